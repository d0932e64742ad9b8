//! `GET /v1/users/me`: the token's user and the company (section 1.7), in version 1's formats.

use serde_json::json;

use super::settings::PipedriveSettings;
use crate::call::Reply;

pub(crate) fn me(settings: &PipedriveSettings) -> Reply {
    Reply::ok(&json!({
        "success": true,
        "data": {
            "id": settings.user_id,
            "name": settings.user_name,
            "default_currency": "EUR",
            "locale": "en_GB",
            "lang": 1,
            "email": format!("integration@{}.example", settings.company_domain),
            "phone": null,
            "activated": true,
            "last_login": "2026-01-05 08:00:00",
            "created": "2024-03-01 09:30:00",
            "modified": "2026-01-05 08:00:00",
            "has_created_company": false,
            "access": [{"app": "sales", "admin": true, "permission_set_id": "0b1f3c42-0000-4000-8000-000000000001"}],
            "active_flag": true,
            "timezone_name": "Europe/Tallinn",
            "timezone_offset": "+02:00",
            "role_id": 1,
            "icon_url": null,
            "is_you": true,
            "is_deleted": false,
            "company_id": settings.company_id,
            "company_name": settings.company_name,
            "company_domain": settings.company_domain,
            "company_country": "EE",
            "company_industry": "",
        },
    }))
}
