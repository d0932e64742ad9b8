//! Poll, observe, reconcile, apply, sweep: the loop that keeps the laws
