//! 批办单, as it is printed.

use askama::Template;

use crate::web::text::Lang;

/// One unit's line.
pub struct OrderPart {
    pub unit: String,
    pub part: &'static str,
    /// Until when, and how long that is; empty where there is no limit.
    pub accept_by: String,
    pub accept_limit: String,
    pub accepted_at: Option<String>,
    pub handle_by: String,
    pub handle_limit: String,
}

#[derive(Template)]
#[template(path = "order.html")]
pub struct OrderPage {
    pub lang: Lang,
    /// The one in small letters beside.
    pub other: Lang,
    /// Path and query of this page without `lang`, ending in `?` or `&`.
    pub here: String,
    pub number: String,
    pub title: String,
    pub confidential: bool,
    pub drill: bool,
    pub severity: &'static str,
    pub category: String,
    pub text: String,
    pub place: String,
    pub area: String,
    pub source: &'static str,
    pub reported_at: String,
    pub filed_at: String,
    pub parts: Vec<OrderPart>,
    pub basis: String,
    pub note: String,
    pub public_code: Option<String>,
    pub qr_svg: String,
    pub address: String,
    pub printed_at: String,
    pub printed_by: String,
    /// One sheet among several, not a page of its own.
    pub is_sheet: bool,
}

/// Several of them in one print.
#[derive(Template)]
#[template(path = "orders.html")]
pub struct OrdersPage {
    pub lang: Lang,
    /// Each as its own template made it.
    pub sheets: Vec<String>,
}
