//! A row of a case's history as people read it.

use protocol::UtcMs;
use serde_json::Value;

use super::{answer, command, kind, severity, unit};
use crate::case::{HistoryEntry, category};
use crate::field::written;
use crate::organisation::Level;
use crate::ticket::taxonomy;
use crate::web::moment::{LocalTime, age_text};
use crate::web::text::Lang;
use crate::web::view::HistoryView;
use crate::workflow::{Ask, Card, Said, Satisfaction, VoidReason};

/// What came sooner than that came at once.
const SAID_AT_ONCE_MS: i64 = 5 * 60_000;

/// `user:NAME` → NAME, `device:ID` → ID, `hub` → the product.
fn actor(actor: &str, lang: Lang) -> String {
    match actor.split_once(':') {
        Some((_, name)) => name.to_owned(),
        None if actor == crate::ask::ACTOR => lang.ask_citizen().to_owned(),
        None => lang.product().to_owned(),
    }
}

pub fn history(entry: &HistoryEntry, local: &LocalTime, lang: Lang) -> HistoryView {
    let action = match entry.action.as_str() {
        "opened" => lang.pick("受理", "Opened"),
        "joined" => lang.pick("并入", "Joined"),
        "raised" => lang.pick("升级", "Raised"),
        "ended" => lang.pick("事件结束", "Incident ended"),
        "acknowledged" => lang.pick("确认", "Acknowledged"),
        "told" => lang.pick("上报", "Reported"),
        "amended" => lang.pick("上级平台补充", "More from the platform above"),
        "deadline_asked" => lang.pick("上级平台时限", "Deadline of the platform above"),
        "attached" => lang.pick("附图", "Pictures"),
        "located" => lang.pick("确定地点", "Located"),
        "unlocated" => lang.pick("撤销地点", "No longer located"),
        "recorded" => lang.pick("补记台账", "Put on record"),
        "ticket" => lang.pick("提交工单", "Ticket"),
        "corrected" => lang.pick("工单更正", "Ticket corrected"),
        "command" => lang.pick("请求", "Request"),
        "answered" => lang.pick("回答", "Answer"),
        "contact_seen" => lang.pick("查看回拨号码", "Callback number seen"),
        "contact_deleted" => lang.pick("删除回拨号码", "Callback number deleted"),
        "lost" => lang.pick("设备丢失数据", "Lost on the box"),
        "handled_here" => lang.pick("自行处置", "Handled at this level"),
        "passed_up" => lang.pick("上报", "Passed up"),
        "voided" => lang.pick("作废", "Voided"),
        "joined_into" => lang.pick("并案", "Joined to another case"),
        "took_in" => lang.pick("并入案件", "Took in a case"),
        "split_off" => lang.pick("拆案", "Split off again"),
        "gave_back" => lang.pick("拆出案件", "Gave back a case"),
        "flapping" => lang.pick("频繁告警，以下只计数", "Flaps; counted from here on"),
        "calmed" => lang.pick("告警平息", "Quiet again"),
        "shelved" => lang.pick("搁置告警源", "Source put aside"),
        "unshelved" => lang.pick("取消搁置", "Source taken back"),
        "shelf_over" => lang.pick("搁置到期", "No longer put aside"),
        "shelf_broken" => lang.pick("更严重的告警，搁置解除", "Something worse: no longer put aside"),
        "filed" => lang.pick("立案", "Filed"),
        "dispatched" => lang.pick("派遣", "Dispatched"),
        "accepted" => lang.pick("签收", "Accepted"),
        "withdrawn" => lang.pick("撤回", "Withdrawn"),
        "asked" => lang.pick("申请", "Asked"),
        "endorsed" => lang.pick("部门负责人同意", "Endorsed"),
        "granted" => lang.pick("批准", "Granted"),
        "denied" => lang.pick("不批准", "Denied"),
        "reassigned" => lang.pick("转派", "Reassigned"),
        "progress" => lang.pick("办理", "Progress"),
        "part_done" => lang.pick("协办办结", "Part done"),
        "waived" => lang.pick("免办", "Waived"),
        "resumed" => lang.pick("恢复", "Resumed"),
        "reported" => lang.pick("反馈", "Result reported"),
        "checked" => lang.pick("现场核查", "Checked on site"),
        "rework" => lang.pick("返工", "Sent back"),
        "closed" => lang.pick("结案", "Closed"),
        "reopened" => lang.pick("重开", "Reopened"),
        "called_back" => lang.pick("回访", "Called back"),
        "reminded" => lang.pick("催办", "Reminded"),
        "escalated" => lang.pick("逐级告警", "Escalated"),
        "centre_called" => lang.pick("直报指挥中心", "Straight to the centre"),
        "card_shown" => lang.pick("督办", "Card shown"),
        "card_lifted" => lang.pick("撤销督办", "Card lifted"),
        "arrived" => lang.pick("签到", "Arrived on site"),
        "handed_to" => lang.pick("转他人", "Handed to a colleague"),
        "taken_on" => lang.pick("接下任务", "Took the task"),
        "said" => lang.pick("交流", "Message"),
        "written" => lang.pick("现场填写", "Written on site"),
        "remark" => lang.pick("补充说明", "Remark"),
        "alert_released" => lang.pick("发布预警", "Alert released"),
        "alert_cancelled" => lang.pick("解除预警", "Alert taken back"),
        other => other,
    };
    HistoryView {
        at: local.moment(UtcMs(entry.at_ms)),
        action: action.to_owned(),
        by: actor(&entry.actor, lang),
        detail: serde_json::from_str::<Value>(&entry.detail)
            .map(|detail| [in_words(&detail, local, lang), on_site(&detail, entry.at_ms, local, lang)])
            .map(|parts| parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
            .unwrap_or_default(),
        hash_short: entry.hash.chars().take(4).collect(),
    }
}

/// When it was written, of what came later than that; and by how much the telephone's clock was off.
fn on_site(detail: &Value, came_at_ms: i64, local: &LocalTime, lang: Lang) -> String {
    let Some((at, skew)) = written::told(detail) else { return String::new() };
    if skew.is_none() && came_at_ms - at.0 < SAID_AT_ONCE_MS {
        return String::new();
    }
    let off = skew.map_or(String::new(), |ms| {
        let side = if ms > 0 { lang.pick("快", "fast by") } else { lang.pick("慢", "slow by") };
        format!("{}{side} {}", lang.pick("，手机时钟", ", its clock "), age_text(ms.abs(), lang.is_zh()))
    });
    format!("{} {}{off}", lang.pick("写于", "written"), local.moment(at).text)
}

/// The parts of a history row's detail that people read.
fn in_words(detail: &Value, local: &LocalTime, lang: Lang) -> String {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let mut words: Vec<String> = Vec::new();
    if let Some(word) = text("kind") {
        words.push(kind(word, lang).to_owned());
    }
    if let (Some(from), Some(to)) = (text("from"), text("to")) {
        words.push(format!("{} → {}", severity(from, lang).word, severity(to, lang).word));
    }
    if let Some(word) = text("command") {
        words.push(command(word, lang).to_owned());
    }
    if let Some(word) = text("outcome") {
        words.push(answer(word, lang).1.to_owned());
    }
    if let Some(word) = text("matter").and_then(|id| taxonomy::matter(id, lang)) {
        words.push(word.to_owned());
    }
    if let Some(id) = text("category") {
        let known = category::find(id).map(|category| lang.pick(category.zh, category.en));
        words.push(known.unwrap_or(id).to_owned());
    }
    words.extend(of_the_workflow(detail, lang));
    // What the hub says of itself, instead of the text that it wrote for who cannot read that.
    let said = Said::of(detail).map(|said| said.words(|at| local.moment(at).full));
    let spoken = |name: &str| said.is_some() && ["reason", "result", "text"].contains(&name);
    words.extend(said.as_ref().map(|(zh, en)| lang.pick(zh.as_str(), en.as_str()).to_owned()));
    let plain = [
        "purpose",
        "reason",
        "place",
        "summary",
        "result",
        "text",
        "note",
        "desk",
        "into",
        "case",
        "media_url",
    ];
    words.extend(
        plain
            .iter()
            .filter(|name| !spoken(name))
            .filter_map(|name| text(name))
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
    );
    words.join(" · ")
}

/// What a step says in words of its own.
fn of_the_workflow(detail: &Value, lang: Lang) -> Vec<String> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let mut words: Vec<String> = Vec::new();
    let level = |name| text(name).and_then(|word| word.parse::<Level>().ok());
    if let (Some(from), Some(to)) = (level("from_level"), level("to_level")) {
        words.push(format!("{} → {}", lang.pick(from.zh(), from.en()), lang.pick(to.zh(), to.en())));
    }
    words.extend(text("colleague").map(|name| format!("→ {name}")));
    words.extend(text("giver").map(|name| format!("{} {name}", lang.pick("转自", "from"))));
    if let Some(metres) = detail.get("away_m").and_then(Value::as_f64) {
        words.push(format!(
            "{} {metres} {}",
            lang.pick("距案件地点", "from its place:"),
            lang.field_metres()
        ));
    }
    words.extend(text("unit").map(|id| unit(id, lang)));
    words.extend(text("lead").map(|id| format!("{} {}", lang.pick("主办", "lead"), unit(id, lang))));
    for id in detail.get("co").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        words.push(format!("{} {}", lang.pick("协办", "with"), unit(id, lang)));
    }
    words.extend(text("ask").and_then(Ask::kept).map(|ask| lang.pick(ask.zh(), ask.en()).to_owned()));
    words.extend(text("void").and_then(VoidReason::kept).map(|why| lang.pick(why.zh(), why.en()).to_owned()));
    words.extend(text("card").and_then(Card::kept).map(|card| lang.pick(card.zh(), card.en()).to_owned()));
    words.extend(
        text("satisfaction").and_then(Satisfaction::kept).map(|s| lang.pick(s.zh(), s.en()).to_owned()),
    );
    words.extend(detail.get("agrees").and_then(Value::as_bool).map(|agrees| {
        let word = if agrees { ("与反馈相符", "agrees") } else { ("与反馈不符", "does not agree") };
        lang.pick(word.0, word.1).to_owned()
    }));
    words
}
