//! The dispatcher's queue, a unit's tasks and the handover of a shift, in the states that look different.

use askama::Template as _;

use super::HOSTILE;
use super::sample::{at, row, shell};
use crate::web::text::Lang;
use crate::web::view::*;

fn due(lang: Lang, class: &'static str) -> DueView {
    DueView {
        word: lang.pick("派遣", "Dispatch"),
        at: at(-840),
        side: if class == "over" { lang.wall_over() } else { lang.wall_left() },
        left: "14".into(),
        class,
    }
}

fn sev(lang: Lang, class: &'static str) -> Sev {
    let word = match class {
        "p1" => lang.pick("紧急", "Emergency"),
        "p2" => lang.pick("重要", "Major"),
        _ => lang.pick("一般", "Normal"),
    };
    Sev { class, word }
}

fn line(lang: Lang, number: &str, title: &str, class: &'static str) -> QueueRow {
    QueueRow {
        number: number.into(),
        position: 7,
        title: title.into(),
        sev: sev(lang, class),
        state: StateWord { class: "filed", word: lang.pick("已立案待派遣", "Filed") },
        note: String::new(),
        areas: vec!["示例镇".into(), "西街社区".into(), "第02网格".into()],
        place: "西街 48 号".into(),
        source: lang.call(),
        drill: false,
        due: Some(due(lang, "soon")),
        units: vec![
            SuggestedUnit {
                key: 1,
                id: "housing".into(),
                name: lang.pick("住建", "Housing and construction").into(),
                why: lang.pick("“给排水”由其承办", "answers for \"Water supply\"").into(),
            },
            SuggestedUnit {
                key: 2,
                id: "slot20".into(),
                name: "示例镇政府".into(),
                why: lang
                    .pick("“给排水”在区域 t1 由其承办", "answers for \"Water supply\" in area t1")
                    .into(),
            },
        ],
        category: None,
        next_url: format!("/cases/{number}#move-dispatch"),
        pick_url: format!("/queue?part=dispatch&case={number}#pick"),
        may_dispatch: true,
        is_current: false,
        is_checked: false,
    }
}

fn pick(lang: Lang, why_not: Option<String>) -> PickView {
    let card = |key: usize, id: &str, name: &str, is_on| PickCard {
        key,
        id: id.into(),
        name: name.into(),
        why: lang
            .pick(
                "“给排水”由其承办 · 近 90 天在西街社区办过同类 12 件",
                "answers for \"Water supply\" · 12 of this kind in West Street within 90 days",
            )
            .into(),
        opened: 11,
        opened_url: format!("/queue?unit={id}"),
        late: 2,
        late_url: format!("/queue?unit={id}&late=1"),
        is_on,
    };
    let option = |value: &str, word: &str| OptionView { value: value.into(), word: word.into(), on: false };
    PickView {
        number: "20260318-026".into(),
        position: 7,
        title: lang.pick("自来水管爆裂，路面积水", "A water pipe has burst").into(),
        sev: sev(lang, "p2"),
        state: StateWord { class: "filed", word: lang.pick("已立案待派遣", "Filed") },
        place: HOSTILE.into(),
        cards: if why_not.is_some() {
            vec![]
        } else {
            vec![
                card(1, "housing", lang.pick("住建", "Housing and construction"), true),
                card(2, "slot20", "示例镇政府", false),
            ]
        },
        why_not,
        others: vec![option("police", lang.pick("公安", "Police"))],
        co: vec![option("police", lang.pick("公安", "Police"))],
        limits: lang
            .pick("签收 1小时，办理 4小时，自派遣起算", "accept within 1 hour, handle within 4 hours")
            .into(),
        back: "/queue?part=dispatch&done=20260318-026".into(),
        next_url: "/cases/20260318-026#move-file".into(),
        may_turn_away: true,
    }
}

fn asked(lang: Lang, not_yet: Option<String>) -> AskedCard {
    AskedCard {
        number: "20260318-011".into(),
        position: 9,
        title: lang.pick("井盖缺失", "A cover is missing").into(),
        sev: sev(lang, "p2"),
        state: StateWord { class: "progress", word: lang.pick("处理中", "In progress") },
        due: Some(due(lang, "over")),
        request: "0195a1c2".into(),
        what: lang.pick("延时申请", "More time"),
        wish: lang.pick("1个工作日", "1 working day").into(),
        unit: lang.pick("住建", "Housing and construction").into(),
        by: "zhang".into(),
        at: at(900),
        reason: HOSTILE.into(),
        endorsed_by: not_yet.is_none().then(|| "li".into()),
        now: format!("{} {}", lang.pick("处置", "Handling"), at(-3_600).full),
        then: if not_yet.is_some() {
            String::new()
        } else {
            format!("{} {}", lang.pick("处置", "Handling"), at(-90_000).full)
        },
        not_yet,
        is_current: false,
    }
}

fn parts(lang: Lang, on: &str) -> Vec<QueuePart> {
    let part = |word, id: &str, count: &str, is_own| QueuePart {
        word,
        url: format!("/queue?part={id}"),
        count: count.into(),
        is_on: id == on,
        is_own,
    };
    vec![
        part(lang.queue_triage(), "triage", "4", true),
        part(lang.queue_dispatch(), "dispatch", "3", true),
        part(lang.queue_requests(), "requests", "2", true),
        part(lang.queue_late(), "late", "2", false),
        part(lang.queue_suspended(), "suspended", "6", false),
    ]
}

fn queue(lang: Lang, shell: &Shell) -> QueuePage<'_> {
    let late = QueueRow {
        due: Some(due(lang, "over")),
        units: vec![],
        category: Some((
            lang.pick("电动车进电梯", "E-bike in a lift").into(),
            lang.pick("告警类型", "the kind of its alarm").into(),
        )),
        state: StateWord { class: "received", word: lang.pick("待受理", "Received") },
        may_dispatch: false,
        ..line(lang, "20260318-024", HOSTILE, "p3")
    };
    let picked = QueueRow {
        is_current: true,
        is_checked: true,
        ..line(lang, "20260318-026", lang.pick("自来水管爆裂", "A water pipe has burst"), "p2")
    };
    let option = |value: &str, word: &str| OptionView { value: value.into(), word: word.into(), on: false };
    QueuePage {
        shell,
        parts: parts(lang, "dispatch"),
        title: lang.queue_dispatch().into(),
        here: "/queue?part=dispatch".into(),
        bands: vec![
            QueueBand { word: lang.queue_band_late(), rows: vec![late] },
            QueueBand {
                word: lang.queue_band_hour(),
                rows: vec![
                    picked,
                    line(lang, "20260318-027", lang.pick("路灯不亮 6 盏", "Six lamps are out"), "p3"),
                ],
            },
        ],
        count: 3,
        is_cut: true,
        requests: None,
        pick: Some(pick(lang, None)),
        withdraw: Some(WithdrawView {
            number: "20260318-025".into(),
            position: 8,
            unit: lang.pick("城管", "City management").into(),
            is_open: true,
            back: "/queue?part=dispatch".into(),
        }),
        severities: vec![option("", lang.all()), option("major", lang.pick("重要", "Major"))],
        sources: vec![option("", lang.all()), option("call", lang.call())],
        part: "dispatch".into(),
        is_filtered: false,
        bulk: BulkView {
            units: vec![option("housing", lang.pick("住建", "Housing and construction"))],
            voids: vec![option("false_alarm", lang.pick("误报", "False alarm"))],
            words: String::new(),
            may_dispatch: true,
            problem: None,
        },
        may_hand_over: true,
        views: vec![QueueView { name: HOSTILE.into(), url: "/queue?part=late".into(), is_on: false }],
    }
}

fn result(lang: Lang, number: &str, class: &'static str, why: &str) -> BulkRow {
    BulkRow {
        number: number.into(),
        title: if why.is_empty() {
            lang.pick("路灯不亮", "Lamps are out").into()
        } else {
            HOSTILE.into()
        },
        class,
        word: match class {
            "done" => lang.queue_result_done(),
            "before" => lang.queue_result_before(),
            _ => lang.queue_result_refused(),
        },
        why: why.into(),
        changed: vec![],
    }
}

fn task(lang: Lang, number: &str, may_accept: bool) -> TaskLine {
    TaskLine {
        number: number.into(),
        position: 5,
        title: lang.pick("井盖缺失", "A cover is missing").into(),
        sev: sev(lang, "p2"),
        state: StateWord { class: "progress", word: lang.pick("处理中", "In progress") },
        part: lang.pick("主办", "Lead"),
        unit: lang.pick("住建", "Housing and construction").into(),
        desk: if may_accept { String::new() } else { HOSTILE.into() },
        category: lang.pick("街面设施", "Street facilities").into(),
        areas: vec!["示例镇".into(), "西街社区".into()],
        place: "西街 48 号".into(),
        drill: false,
        due: Some(due(lang, if may_accept { "soon" } else { "over" })),
        cards: if may_accept { vec![] } else { vec![lang.pick("黄牌督办", "Yellow card").into()] },
        may_accept,
        may_progress: !may_accept,
        may_ask: !may_accept,
        report: (!may_accept).then(|| ("#move-report", lang.tasks_report())),
    }
}

fn left(lang: Lang) -> LeftView {
    let held = HeldView {
        row: row(
            lang,
            "20260318-029",
            lang.pick("明火 · 东关巷北口", "Fire · 东关巷北口"),
            ("p1", lang.pick("紧急", "Emergency")),
            true,
        ),
        areas: vec!["示例镇".into(), "东关社区".into()],
        unit: String::new(),
        due: Some(due(lang, "over")),
    };
    let part = |id, word, count, rows: Vec<HeldView>| HandoverPart {
        id,
        word,
        count,
        unseen: if count > 1 { vec!["20260318-030".into()] } else { vec![] },
        more: count - rows.len() as i64 - i64::from(count > 1),
        rows,
    };
    LeftView {
        duty: vec![OnDutyView {
            name: "chen".into(),
            post: lang.handover_post_leader(),
            from: at(28_800),
            to: at(0),
        }],
        parts: vec![
            part("unacknowledged", lang.handover_unacknowledged(), 1, vec![held.clone()]),
            part("overdue", lang.handover_overdue(), 4, vec![held]),
            part("requests", lang.handover_requests(), 0, vec![]),
        ],
        shelved: vec![AsideView {
            number: "20260318-011".into(),
            reason: HOSTILE.into(),
            by: "chen".into(),
            until: at(-5_000),
        }],
        offline: vec![OfflineView {
            id: "box-2".into(),
            title: "西街盒子".into(),
            since: Some(at(3_000)),
            url: Some("/devices/box-2".into()),
        }],
    }
}

fn given(lang: Lang, is_own: bool, taken: bool) -> HandoverView {
    HandoverView {
        id: "0195a1c2-7000".into(),
        area: lang.handover_everywhere().into(),
        from: at(57_600),
        to: at(28_800),
        by: "chen".into(),
        note: HOSTILE.into(),
        figures: vec![(lang.handover_unacknowledged(), 1), (lang.handover_overdue(), 4)],
        taken_by: taken.then(|| "li".into()),
        taken_at: taken.then(|| at(28_000)),
        is_own,
    }
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let desk = shell(lang, theme, Nav::Queue);
    let (own, shift) = (shell(lang, theme, Nav::Tasks), shell(lang, theme, Nav::Handover));
    let requests = QueuePage {
        parts: parts(lang, "requests"),
        title: lang.queue_requests().into(),
        bands: vec![],
        requests: Some(vec![
            asked(lang, None),
            AskedCard {
                request: "0195a1c3".into(),
                ..asked(lang, Some(lang.queue_needs_endorsement().into()))
            },
        ]),
        pick: None,
        withdraw: None,
        ..queue(lang, &desk)
    };
    let mut refused = queue(lang, &desk);
    refused.bulk.problem = Some(lang.queue_bulk_no_words());
    refused.bulk.words = HOSTILE.into();
    refused.pick = Some(pick(lang, Some(lang.queue_not_filed().into())));
    refused.withdraw = None;
    let empty = QueuePage {
        bands: vec![],
        count: 0,
        pick: None,
        withdraw: None,
        is_cut: false,
        ..queue(lang, &desk)
    };
    let done = BulkPage {
        shell: &desk,
        what: format!("{} → {}", lang.queue_dispatch(), lang.pick("住建", "Housing and construction")),
        rows: vec![
            result(lang, "20260318-026", "done", ""),
            result(lang, "20260318-027", "before", ""),
            result(lang, "20260318-028", "refused", lang.queue_result_moved()),
        ],
        back: "/queue?part=dispatch".into(),
    };
    let group = |id, word, lines| TaskGroup { id, word, lines };
    let tasks = |groups: Vec<TaskGroup>, problem| TasksPage {
        shell: &own,
        units: vec![lang.pick("住建", "Housing and construction").into()],
        late: groups.len(),
        is_cut: !groups.is_empty(),
        orders_url: Some("/tasks/orders?numbers=20260318-011".into()),
        may_evaluate: true,
        groups,
        problem,
    };
    let groups = vec![
        group("to-accept", lang.tasks_to_accept(), vec![task(lang, "20260318-026", true)]),
        group("in-hand", lang.tasks_in_hand(), vec![task(lang, "20260318-011", false)]),
    ];
    let handover = |problem: Option<String>| HandoverPage {
        shell: &shift,
        form: HandoverForm {
            id: "0195a1c2".into(),
            areas: vec![OptionView { value: "/".into(), word: lang.handover_everywhere().into(), on: true }],
            from: "2026-03-18T08:00:00".into(),
            note: if problem.is_some() { HOSTILE.into() } else { String::new() },
        },
        left: left(lang),
        waiting: vec![given(lang, true, false), given(lang, false, false)],
        past: vec![given(lang, false, true)],
        problem,
    };
    let one = |own, taken| HandoverOnePage {
        shell: &shift,
        one: given(lang, own, taken),
        left: left(lang),
        problem: None,
    };
    vec![
        ("queue", queue(lang, &desk).render()),
        ("queue-requests", requests.render()),
        ("queue-refused", refused.render()),
        ("queue-empty", empty.render()),
        ("queue-done", done.render()),
        ("tasks", tasks(groups, None).render()),
        ("tasks-empty", tasks(vec![], Some(lang.queue_bulk_none())).render()),
        ("orders", OrdersPage { lang, sheets: vec!["<article class=\"sheet\"></article>".into()] }.render()),
        ("handover", handover(None).render()),
        ("handover-refused", handover(Some(lang.handover_bad_from().into())).render()),
        ("handover-own", one(true, false).render()),
        ("handover-take", one(false, false).render()),
        ("handover-taken", one(false, true).render()),
    ]
}
