//! From the fields of a form to a step of the law. Whether it may be taken, and whether its texts are there, says the law.

use crate::calendar::Limit;
use crate::web::guard::Fields;
use crate::web::moment::LocalTime;
use crate::web::text::Lang;
use crate::workflow::{Card, Satisfaction, Step, StepKind, VoidReason};

/// What an extension counts in, as [`Limit`] is written.
pub(super) const AMOUNTS: [&str; 4] = ["working days", "days", "working hours", "hours"];
/// Of a call-back that nobody answered.
pub(super) const UNREACHED: &str = "unreached";

/// The step that a form tells of, or what is still to be filled in.
pub(super) fn step(kind: StepKind, fields: &Fields, local: &LocalTime, lang: Lang) -> Result<Step, String> {
    use StepKind as K;
    // Browsers end the lines of a text as mail does.
    let text = |name: &str| fields.get(name).replace("\r\n", "\n").trim().to_owned();
    let missing = |label: &str| format!("{}{label}", lang.move_fill_in());
    let (reason, note, result) = (|| text("reason"), || text("note"), || text("result"));
    let card = || Card::kept(fields.get("card")).ok_or_else(|| missing(lang.move_card()));
    Ok(match kind {
        K::HandleHere => Step::HandleHere { result: result() },
        K::PassUp => {
            let to = match fields.get("to") {
                "" => None,
                word => Some(word.parse().map_err(|_| missing(lang.move_to()))?),
            };
            Step::PassUp { to, reason: reason() }
        }
        K::Void => {
            let reason = VoidReason::kept(fields.get("void"));
            let reason = reason.ok_or_else(|| missing(lang.move_void_reason()))?;
            Step::Void { reason, note: note() }
        }
        K::Join => Step::Join { into: text("into"), note: note() },
        K::Split => Step::Split { reason: reason() },
        K::File => {
            Step::File { category: chosen(fields, "category", lang.move_category(), lang)?, note: note() }
        }
        K::Dispatch => {
            let co = fields.pairs().iter().filter(|(name, value)| name == "co" && !value.is_empty());
            let lead = chosen(fields, "lead", lang.move_lead(), lang)?;
            Step::Dispatch { lead, co: co.map(|(_, unit)| unit.clone()).collect(), note: note() }
        }
        K::Accept => Step::Accept {},
        K::Withdraw => Step::Withdraw { reason: reason() },
        K::AskReturn => Step::AskReturn { reason: reason() },
        K::AskExtension => Step::AskExtension {
            by: amount(fields).ok_or_else(|| missing(lang.move_by()))?,
            reason: reason(),
        },
        K::AskSuspension => {
            let until = local.parse(fields.get("until")).ok_or_else(|| missing(lang.move_until()))?;
            Step::AskSuspension { until, reason: reason() }
        }
        K::AskResumption => Step::AskResumption { reason: reason() },
        K::AskCategory => {
            let category = chosen(fields, "category", lang.move_category(), lang)?;
            Step::AskCategory { category, reason: reason() }
        }
        K::Endorse => Step::Endorse { request: text("request"), note: note() },
        K::Decide => {
            let grant = match fields.get("grant") {
                "1" => true,
                "0" => false,
                _ => return Err(missing(lang.pick("批准或不批准", "grant or refuse"))),
            };
            Step::Decide { request: text("request"), grant, reason: reason() }
        }
        K::Reassign => Step::Reassign { desk: text("desk"), reason: reason() },
        K::Progress => Step::Progress { text: text("text") },
        K::FinishPart => Step::FinishPart { result: result() },
        K::Waive => Step::Waive { unit: chosen(fields, "unit", lang.move_unit(), lang)?, reason: reason() },
        K::Resume => Step::Resume { reason: reason() },
        K::Report => Step::Report { result: result() },
        K::Check => {
            let agrees = match fields.get("agrees") {
                "1" => true,
                "0" => false,
                _ => return Err(missing(lang.move_agrees())),
            };
            Step::Check { agrees, note: note() }
        }
        K::Rework => Step::Rework { reason: reason() },
        K::Close => Step::Close { note: note() },
        K::Reopen => Step::Reopen { reason: reason() },
        K::CallBack => {
            let word = fields.get("answer");
            let satisfaction = Satisfaction::kept(word);
            if satisfaction.is_none() && word != UNREACHED {
                return Err(missing(lang.move_answer()));
            }
            Step::CallBack { reached: satisfaction.is_some(), satisfaction, note: note() }
        }
        K::Remind => Step::Remind { text: text("text") },
        K::Supervise => Step::Supervise { card: card()?, reason: reason() },
        K::LiftCard => Step::LiftCard { card: card()?, reason: reason() },
    })
}

fn chosen(fields: &Fields, name: &str, label: &str, lang: Lang) -> Result<String, String> {
    // A list beside buttons has the same name: what is chosen in neither is empty.
    let mut own = fields.pairs().iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim());
    let value = own.find(|value| !value.is_empty()).unwrap_or_default();
    if value.is_empty() { Err(format!("{}{label}", lang.move_fill_in())) } else { Ok(value.to_owned()) }
}

fn amount(fields: &Fields) -> Option<Limit> {
    let unit = AMOUNTS.into_iter().find(|unit| *unit == fields.get("unit"))?;
    format!("{} {unit}", fields.get("count").trim()).parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use protocol::UtcMs;

    use super::*;
    use crate::organisation::Level;

    fn read(kind: StepKind, form: &str) -> Result<Step, String> {
        let local = LocalTime { zone: TimeZone::fixed(jiff::tz::offset(8)), now: UtcMs(1_773_815_480_000) };
        step(kind, &Fields::parse(form.as_bytes()), &local, Lang::Zh)
    }

    /// Forms as browsers send them.
    #[test]
    fn forms_are_steps() {
        let text = |text: &str| text.to_owned();
        for (kind, form, step) in [
            (StepKind::HandleHere, "result=+a%0D%0Ab+", Step::HandleHere { result: text("a\nb") }),
            (
                StepKind::PassUp,
                "to=county&reason=x",
                Step::PassUp { to: Some(Level::County), reason: text("x") },
            ),
            (
                StepKind::Dispatch,
                "lead=police&co=housing&co=&co=health",
                Step::Dispatch {
                    lead: text("police"),
                    co: vec![text("housing"), text("health")],
                    note: text(""),
                },
            ),
            (
                StepKind::AskExtension,
                "count=3&unit=working+days&reason=x",
                Step::AskExtension { by: "3 working days".parse().unwrap(), reason: text("x") },
            ),
            (
                StepKind::AskSuspension,
                "until=2026-03-18T14:31&reason=x",
                Step::AskSuspension { until: UtcMs(1_773_815_460_000), reason: text("x") },
            ),
            (
                StepKind::CallBack,
                "answer=mostly",
                Step::CallBack { reached: true, satisfaction: Some(Satisfaction::Mostly), note: text("") },
            ),
            (
                StepKind::CallBack,
                "answer=unreached&note=x",
                Step::CallBack { reached: false, satisfaction: None, note: text("x") },
            ),
        ] {
            assert_eq!(read(kind, form), Ok(step), "{form}");
        }
    }

    /// What is not chosen is asked for by its label; no kind of step is read from nothing but a plain one.
    #[test]
    fn what_is_missing_is_named() {
        for (kind, form, word) in [
            (StepKind::File, "category=", "分类"),
            (StepKind::Dispatch, "co=police", "主办单位"),
            (StepKind::Void, "void=odd&note=x", "作废原因"),
            (StepKind::AskExtension, "count=0&unit=days&reason=x", "延长多久"),
            (StepKind::AskExtension, "count=3&unit=weeks&reason=x", "延长多久"),
            (StepKind::AskSuspension, "until=soon&reason=x", "挂账到"),
            (StepKind::Decide, "request=r&reason=x", "批准或不批准"),
            (StepKind::Check, "note=x", "是否相符"),
            (StepKind::CallBack, "answer=", "回访结果"),
            (StepKind::Supervise, "reason=x", "督办牌"),
            (StepKind::PassUp, "to=moon&reason=x", "报给"),
        ] {
            let told = read(kind, form).unwrap_err();
            assert!(told.contains(word), "{form}: {told}");
        }
        assert_eq!(read(StepKind::Accept, ""), Ok(Step::Accept {}));
    }
}
