//! Oracle Fusion Cloud ERP behind the Erp port
