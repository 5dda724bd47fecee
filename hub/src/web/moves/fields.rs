//! What each form asks for, and what stands in it: a suggestion, or what was typed before it was refused.

use protocol::UtcMs;

use super::read::{AMOUNTS, UNREACHED};
use crate::category::Categories;
use crate::category::likely::Likely;
use crate::correlation::shelf::{EMERGENCY_MINUTES, MOST_MINUTES};
use crate::organisation::{Level, Unit};
use crate::policy::Policy;
use crate::web::guard::Fields;
use crate::web::moment::LocalTime;
use crate::web::queue::suggest::Picks;
use crate::web::text::Lang;
use crate::web::view::{ButtonView, Control, FieldView, OptionView, PickCard};
use crate::workflow::{Card, Dossier, Satisfaction, State, StepKind, VoidReason};

/// What forms are drawn from.
pub(super) struct Desk<'a> {
    pub(super) dossier: &'a Dossier,
    pub(super) policy: &'a Policy,
    pub(super) units: &'a [Unit],
    pub(super) categories: &'a Categories,
    /// What it is likely to be filed under.
    pub(super) likely: Option<&'a Likely>,
    /// Units that are suggested, and what each has to do.
    pub(super) picks: &'a Picks,
    pub(super) local: &'a LocalTime,
    pub(super) lang: Lang,
}

/// One form: its element, and what was typed into it before.
pub(super) struct Draw<'a> {
    pub(super) id: &'a str,
    pub(super) typed: Option<&'a Fields>,
    /// Pictures of the last try, which wait.
    pub(super) pictures: &'a [String],
    pub(super) lang: Lang,
}

type Options = Vec<(String, Vec<OptionView>)>;

impl Draw<'_> {
    fn typed(&self, name: &str) -> String {
        self.typed.map(|fields| fields.get(name).to_owned()).unwrap_or_default()
    }

    /// What is chosen: as it was before, else by default.
    fn chosen(&self, name: &str, default: &str) -> String {
        self.typed.map_or_else(|| default.to_owned(), |fields| fields.get(name).to_owned())
    }

    fn field(
        &self,
        name: &'static str,
        label: &'static str,
        is_required: bool,
        control: Control,
    ) -> FieldView {
        let id = format!("{}-{name}", self.id);
        FieldView { name, id, label, hint: String::new(), is_required, control }
    }

    fn line(&self, name: &'static str, label: &'static str) -> FieldView {
        self.field(name, label, true, Control::Line(self.typed(name)))
    }

    fn text(&self, name: &'static str, label: &'static str, is_required: bool) -> FieldView {
        self.field(name, label, is_required, Control::Text(self.typed(name)))
    }

    fn reason(&self) -> FieldView {
        self.text("reason", self.lang.move_reason(), true)
    }

    fn note(&self) -> FieldView {
        self.text("note", self.lang.move_note(), false)
    }

    fn pictures(&self) -> FieldView {
        let lang = self.lang;
        let control = Control::Pictures(self.pictures.to_vec());
        let hint = lang.move_pictures_hint().to_owned();
        FieldView { hint, ..self.field("picture", lang.move_pictures(), false, control) }
    }

    fn options(&self, name: &str, default: &str, all: &[(&str, &str)]) -> Vec<OptionView> {
        let chosen = self.chosen(name, default);
        let option = |(value, word): &(&str, &str)| OptionView {
            value: (*value).to_owned(),
            word: (*word).to_owned(),
            on: chosen == *value,
        };
        all.iter().map(option).collect()
    }

    fn choice(
        &self,
        name: &'static str,
        label: &'static str,
        default: &str,
        all: &[(&str, &str)],
    ) -> FieldView {
        let groups = vec![(String::new(), self.options(name, default, all))];
        self.field(name, label, true, Control::Choice { groups, find: false })
    }

    fn radios(&self, name: &'static str, label: &'static str, all: &[(&str, &str)]) -> FieldView {
        self.field(name, label, true, Control::Radios(self.options(name, "", all)))
    }
}

/// What a form of the law asks for; those about a request have it hidden.
pub(super) fn of_step(desk: &Desk<'_>, draw: &Draw<'_>, kind: StepKind) -> Vec<FieldView> {
    use StepKind as K;
    let lang = desk.lang;
    let result = || draw.text("result", lang.move_result(), true);
    match kind {
        K::HandleHere | K::FinishPart | K::Report => vec![result(), draw.pictures()],
        K::PassUp => vec![level(desk, draw), draw.reason()],
        K::Void => vec![void(desk, draw), draw.text("note", lang.move_note(), true)],
        K::Join => vec![draw.line("into", lang.move_into()), draw.text("note", lang.move_note(), true)],
        K::File => vec![category(desk, draw, desk.likely), draw.note()],
        K::Dispatch => dispatch(desk, draw),
        K::Accept => vec![],
        K::Split | K::Withdraw | K::AskReturn | K::AskResumption | K::Resume | K::Reopen | K::Decide => {
            vec![draw.reason()]
        }
        K::AskExtension => vec![amount(desk, draw), draw.reason()],
        K::AskSuspension => {
            let until = Control::When(draw.typed("until"));
            vec![draw.field("until", lang.move_until(), true, until), draw.reason()]
        }
        K::AskCategory => vec![category(desk, draw, None), draw.reason()],
        K::Endorse | K::Close => vec![draw.note()],
        K::Reassign => vec![draw.line("desk", lang.move_desk()), draw.reason()],
        K::Progress => vec![draw.text("text", lang.move_text(), true), draw.pictures()],
        K::Waive => vec![open_parts(desk, draw), draw.reason()],
        K::Check => {
            let all = [("1", lang.move_agrees_yes()), ("0", lang.move_agrees_no())];
            let agrees = draw.radios("agrees", lang.move_agrees(), &all);
            vec![agrees, draw.text("note", lang.move_note(), true), draw.pictures()]
        }
        K::Rework => vec![draw.reason(), draw.pictures()],
        K::CallBack => {
            let mut all: Vec<(&str, &str)> =
                Satisfaction::ALL.iter().map(|one| (one.as_str(), lang.pick(one.zh(), one.en()))).collect();
            all.push((UNREACHED, lang.move_unreached()));
            vec![draw.radios("answer", lang.move_answer(), &all), draw.note()]
        }
        K::Remind => vec![draw.text("text", lang.move_text(), true)],
        K::Supervise => vec![card(desk, draw, false), draw.reason()],
        K::LiftCard => vec![card(desk, draw, true), draw.reason()],
    }
}

/// What a form that puts a source aside asks for.
pub(super) fn of_shelf(draw: &Draw<'_>, is_emergency: bool) -> Vec<FieldView> {
    let lang = draw.lang;
    let most = if is_emergency { EMERGENCY_MINUTES } else { MOST_MINUTES };
    let all = [
        (30, "30", lang.move_30_minutes()),
        (60, "60", lang.move_1_hour()),
        (240, "240", lang.move_4_hours()),
        (1_440, "1440", lang.move_1_day()),
        (4_320, "4320", lang.move_3_days()),
    ];
    let all: Vec<(&str, &str)> =
        all.into_iter().filter(|one| one.0 <= most).map(|(_, value, word)| (value, word)).collect();
    vec![draw.choice("minutes", lang.move_minutes(), "30", &all), draw.line("reason", lang.move_reason())]
}

/// Its buttons: what each says, and sends.
pub(super) fn buttons(kind: StepKind, lang: Lang) -> Vec<ButtonView> {
    let plain = |word: &str| ButtonView { sends: None, word: word.to_owned() };
    match kind {
        StepKind::Decide => vec![
            ButtonView { sends: Some(("grant", "1")), word: lang.move_grant().to_owned() },
            ButtonView { sends: Some(("grant", "0")), word: lang.move_deny().to_owned() },
        ],
        kind => vec![plain(lang.pick(kind.zh(), kind.en()))],
    }
}

fn level(desk: &Desk<'_>, draw: &Draw<'_>) -> FieldView {
    let lang = desk.lang;
    let here = match &desk.dossier.state {
        State::Received { level } => *level,
        _ => Level::County,
    };
    let above = Level::ALL.into_iter().filter(|level| *level > here);
    let all: Vec<(&str, &str)> =
        above.map(|level| (level.as_str(), lang.pick(level.zh(), level.en()))).collect();
    let next = all.first().map_or("", |one| one.0);
    draw.choice("to", lang.move_to(), next, &all)
}

fn void(desk: &Desk<'_>, draw: &Draw<'_>) -> FieldView {
    let lang = desk.lang;
    let mut all = vec![("", lang.move_choose())];
    // 并案 has a form of its own.
    let others = VoidReason::ALL.iter().filter(|reason| **reason != VoidReason::Joined);
    all.extend(others.map(|reason| (reason.as_str(), lang.pick(reason.zh(), reason.en()))));
    draw.choice("void", lang.move_void_reason(), "", &all)
}

fn card(desk: &Desk<'_>, draw: &Draw<'_>, is_open: bool) -> FieldView {
    let lang = desk.lang;
    let all = Card::ALL.iter().filter(|card| desk.dossier.cards.contains(card) == is_open);
    let all: Vec<(&str, &str)> = all.map(|card| (card.as_str(), lang.pick(card.zh(), card.en()))).collect();
    let first = all.first().map_or("", |one| one.0);
    draw.choice("card", lang.move_card(), first, &all)
}

fn open_parts(desk: &Desk<'_>, draw: &Draw<'_>) -> FieldView {
    let names: Vec<(&str, String)> =
        desk.dossier.open_parts().map(|unit| (unit, name(desk.units, unit, desk.lang))).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|(unit, name)| (*unit, name.as_str())).collect();
    let first = all.first().map_or("", |one| one.0);
    draw.choice("unit", desk.lang.move_unit(), first, &all)
}

fn amount(desk: &Desk<'_>, draw: &Draw<'_>) -> FieldView {
    let lang = desk.lang;
    let words = [lang.move_working_days(), lang.move_days(), lang.move_working_hours(), lang.move_hours()];
    let all: Vec<(&str, &str)> = AMOUNTS.into_iter().zip(words).collect();
    let units = draw.options("unit", AMOUNTS[0], &all);
    let count = draw.chosen("count", "1");
    draw.field("count", lang.move_by(), true, Control::Amount { count, units })
}

/// Categories by group; the suggested one first, with its reason.
fn category(desk: &Desk<'_>, draw: &Draw<'_>, likely: Option<&Likely>) -> FieldView {
    let lang = desk.lang;
    let chosen = draw.chosen("category", likely.map_or("", |likely| likely.id.as_str()));
    let option = |id: &str, zh: &str, en: &str| OptionView {
        value: id.to_owned(),
        word: worded(zh, en, lang),
        on: chosen == id,
    };
    let mut first =
        vec![OptionView { value: String::new(), word: lang.move_choose().to_owned(), on: chosen.is_empty() }];
    first.extend(likely.map(|likely| {
        let mut own = option(&likely.id, &likely.zh, &likely.en);
        own.word = format!("{}{}{}", own.word, lang.pick("，", ", "), lang.move_suggested());
        own
    }));
    let mut groups: Options = vec![(String::new(), first)];
    let has = desk.dossier.state.filing().map(|filing| filing.category.as_str());
    for group in &desk.categories.groups {
        let own = desk.categories.categories.iter().filter(|own| {
            let other = Some(own.id.as_str()) != has && likely.is_none_or(|likely| likely.id != own.id);
            own.active && own.group == group.id && other
        });
        let own: Vec<OptionView> = own.map(|own| option(&own.id, &own.zh, &own.en)).collect();
        if !own.is_empty() {
            groups.push((worded(&group.zh, &group.en, lang), own));
        }
    }
    let hint = likely.map(|likely| why(likely, lang)).unwrap_or_default();
    let control = Control::Choice { groups, find: true };
    FieldView { hint, ..draw.field("category", lang.move_category(), true, control) }
}

fn why(likely: &Likely, lang: Lang) -> String {
    let (name, why) = (worded(&likely.zh, &likely.en, lang), lang.pick(&likely.why_zh, &likely.why_en));
    format!("{}{}{name}{}{why}", lang.move_suggested(), lang.pick("：", ": "), lang.pick("，据", ", by "))
}

/// Lead, co-handlers, and until when they have to be done.
fn dispatch(desk: &Desk<'_>, draw: &Draw<'_>) -> Vec<FieldView> {
    let (lang, picks) = (desk.lang, desk.picks);
    let typed = draw.typed.map(chosen_lead);
    let is_on = |id: &str, by_itself: bool| typed.as_ref().map_or(by_itself, |lead| lead == id);
    let option = |unit: &Unit, on| OptionView {
        value: unit.unit.clone(),
        word: picks.with_load(&unit.unit, &worded(&unit.name_zh, &unit.name_en, lang), lang),
        on,
    };
    let cards: Vec<PickCard> = picks
        .cards
        .iter()
        .map(|card| PickCard { is_on: is_on(&card.id, card.is_on), ..card.clone() })
        .collect();
    let is_card = |unit: &&Unit| cards.iter().any(|card| card.id == unit.unit);
    let others = desk.dossier.units_there(desk.units).filter(|unit| !is_card(unit));
    let others = others.map(|unit| option(unit, is_on(&unit.unit, false))).collect();
    let lead = draw.field("lead", lang.move_lead(), cards.is_empty(), Control::Picks { cards, others });
    let helps = |unit: &Unit| {
        let pairs = draw.typed.into_iter().flat_map(|fields| fields.pairs());
        pairs.into_iter().any(|(name, value)| name == "co" && *value == unit.unit)
    };
    let co = desk.dossier.units_there(desk.units).map(|unit| option(unit, helps(unit))).collect();
    let co = draw.field("co", lang.move_co(), false, Control::Checks(co));
    let limits = FieldView {
        hint: limits(desk.dossier, desk.policy, desk.local, lang),
        ..draw.field("limits", lang.move_limits(), false, Control::Note)
    };
    vec![lead, co, limits, draw.note()]
}

/// What was chosen in the list, else by a button: both have the same name.
fn chosen_lead(fields: &Fields) -> String {
    let mut own = fields.pairs().iter().filter(|(name, value)| name == "lead" && !value.trim().is_empty());
    own.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// 时限从派遣起算.
pub(in crate::web) fn limits(dossier: &Dossier, policy: &Policy, local: &LocalTime, lang: Lang) -> String {
    let limits = policy.limits(dossier.matter());
    let due = policy.calendar.due(local.now, limits.handle, &[]);
    let word = |limit: crate::calendar::Limit| lang.pick(&limit.zh(), &limit.to_string()).to_owned();
    let by = due.map(|at: UtcMs| local.moment(at).full).unwrap_or_default();
    match lang {
        Lang::Zh => {
            format!(
                "签收 {}，办理 {}，自派遣起算；现在派遣应于 {by} 前办结",
                word(limits.accept),
                word(limits.handle)
            )
        }
        Lang::En => format!(
            "accept within {}, handle within {}, from the dispatch on; dispatched now it is due by {by}",
            word(limits.accept),
            word(limits.handle)
        ),
    }
}

/// In the language of the page; names that a county wrote may have Chinese alone.
pub(in crate::web) fn worded(zh: &str, en: &str, lang: Lang) -> String {
    lang.pick(zh, if en.is_empty() { zh } else { en }).to_owned()
}

/// What people call a unit.
pub(in crate::web) fn name(units: &[Unit], id: &str, lang: Lang) -> String {
    let known = units.iter().find(|unit| unit.unit == id && !unit.name_zh.is_empty());
    known.map_or_else(|| crate::web::words::unit(id, lang), |unit| worded(&unit.name_zh, &unit.name_en, lang))
}
