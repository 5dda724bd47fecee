//! 批办单: a dispatched case on paper. Each print is a row of the access register.

use askama::Template as _;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Html;
use protocol::UtcMs;

use super::devices::qr;
use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::moment::LocalTime;
use super::queue::MOST_CHOSEN;
use super::shell::{local, render};
use super::text::Lang;
use super::view::{OrderPage, OrderPart, OrdersPage};
use super::words;
use crate::app::App;
use crate::calendar::Limit;
use crate::case::CaseError;
use crate::http::reached_at;
use crate::public::code;
use crate::user::Act;
use crate::work_order::{self, Due, OrderError, PartOf, WorkOrder};

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Html<String>, PageError> {
    let user = &viewer.session.user;
    let order = work_order::of_case(&app, &number, user).await.map_err(|error| match error {
        OrderError::Early(_) => PageError::Early.shown(&viewer),
        OrderError::Case(error) => PageError::from(error).shown(&viewer),
    })?;
    work_order::register(&app, &order, user).await.map_err(|error| PageError::from(error).shown(&viewer))?;
    let address = format!("{}/cases/{number}", reached_at(&app, &uri, &headers));
    let page = OrderPage {
        here: viewer.preferences.here.clone(),
        qr_svg: qr(&address),
        address,
        printed_by: user.clone(),
        ..view(&order, &local(&app), viewer.preferences.lang)
    };
    render(&page, &viewer)
}

/// Several on one print, by their numbers; of cases that have none, or are not there, there is no sheet.
pub(super) async fn many(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::OwnTasks)?;
    let (user, lang, local) = (&viewer.session.user, viewer.preferences.lang, local(&app));
    let reached = reached_at(&app, &uri, &headers);
    let mut sheets = Vec::new();
    for number in fields.get("numbers").split(',').filter(|number| !number.is_empty()).take(MOST_CHOSEN) {
        let order = match work_order::of_case(&app, number, user).await {
            Ok(order) => order,
            Err(OrderError::Early(_) | OrderError::Case(CaseError::Unknown(_))) => continue,
            Err(OrderError::Case(error)) => return Err(PageError::from(error).shown(&viewer)),
        };
        work_order::register(&app, &order, user)
            .await
            .map_err(|error| PageError::from(error).shown(&viewer))?;
        let address = format!("{reached}/cases/{number}");
        let sheet = OrderPage {
            qr_svg: qr(&address),
            address,
            printed_by: user.clone(),
            is_sheet: true,
            ..view(&order, &local, lang)
        };
        sheets.push(sheet.render().map_err(|error| PageError::from(error).shown(&viewer))?);
    }
    render(&OrdersPage { lang, sheets }, &viewer)
}

fn view(order: &WorkOrder, local: &LocalTime, lang: Lang) -> OrderPage {
    let case = &order.case;
    let moment = |at: UtcMs| local.moment(at).full;
    let word = |(zh, en): &(String, String)| lang.pick(zh, if en.is_empty() { zh } else { en }).to_owned();
    let category = order.category.iter().map(word);
    let area = order.areas.iter().map(word);
    let rule = order.rule.as_deref().unwrap_or(lang.order_general());
    OrderPage {
        lang,
        other: if lang.is_zh() { Lang::En } else { Lang::Zh },
        here: String::new(),
        number: case.number.clone(),
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        confidential: case.confidential != 0,
        drill: case.drill != 0,
        severity: words::severity(&case.severity, lang).word,
        category: category.collect::<Vec<_>>().join(" · "),
        text: order.text.clone(),
        place: order.place.clone(),
        area: area.collect::<Vec<_>>().join(" "),
        source: words::source(&case.source, lang),
        reported_at: moment(UtcMs(case.opened_at_ms)),
        filed_at: order.filed_at.map(moment).unwrap_or_default(),
        parts: order.parts.iter().map(|part| one(part, local, lang)).collect(),
        basis: format!("{} {} · {rule}", lang.order_policy(), order.policy),
        note: order.note.clone(),
        public_code: order.public_code.as_deref().map(code::shown),
        qr_svg: String::new(),
        address: String::new(),
        printed_at: moment(local.now),
        printed_by: String::new(),
        is_sheet: false,
    }
}

fn one(part: &PartOf, local: &LocalTime, lang: Lang) -> OrderPart {
    let by = |due: &Option<Due>| {
        let Some(due) = due else { return String::new() };
        due.at.map_or_else(|| lang.order_still().to_owned(), |at| local.moment(at).full)
    };
    let long = |due: &Option<Due>| due.as_ref().map(|due| limits(due, lang)).unwrap_or_default();
    OrderPart {
        unit: lang.pick(&part.unit.0, &part.unit.1).to_owned(),
        part: lang.pick(part.part.zh(), part.part.en()),
        accept_by: by(&part.accept),
        accept_limit: long(&part.accept),
        accepted_at: part.accepted_at.map(|at| local.moment(at).full),
        handle_by: by(&part.handle),
        handle_limit: long(&part.handle),
    }
}

/// `3个工作日 + 2个工作日`
fn limits(due: &Due, lang: Lang) -> String {
    let word = |limit: &Limit| if lang.is_zh() { limit.zh() } else { limit.to_string() };
    std::iter::once(&due.limit).chain(&due.extensions).map(word).collect::<Vec<_>>().join(" + ")
}
