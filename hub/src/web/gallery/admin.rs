//! The pages of administration.

use askama::Template as _;

use super::sample::{at, shell};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Admin);
    let choice = |value: &str, word: &str| AdminChoice { value: value.into(), word: word.into(), on: false };
    let form = || GrantForm {
        name: "chen".into(),
        area: "dongguan".into(),
        unit: String::new(),
        roles: vec![choice("operator", lang.role_operator())],
        areas: vec![choice("dongguan", lang.pick("东关社区", "Dongguan"))],
        units: vec![choice("police", lang.pick("公安", "Police"))],
    };
    let banner = |good, text: &str| Some(Banner { good, text: text.into() });
    let row = || RegisterRow {
        at: at(600),
        cells: ["admin", lang.pick("授予角色", "Role given"), "chen", "", "operator /"]
            .map(|text| CellView { text: text.into(), href: None })
            .into(),
    };
    let overview = AdminPage {
        shell: &shell,
        tab: "overview",
        there: vec![ThereView {
            word: lang.admin_there_users(),
            figure: "41 (1)".into(),
            href: "/admin/users",
        }],
        missing: vec![FindingView {
            what: lang.admin_no_basemap().into(),
            why: lang.admin_no_basemap_why().into(),
            href: "/admin/imports",
        }],
    };
    let users = AdminUsersPage {
        shell: &shell,
        tab: "users",
        rows: vec![PersonRowView {
            name: "chen".into(),
            href: "/admin/users/chen".into(),
            class: "soon",
            state: lang.admin_user_fresh(),
            roles: vec![lang.role_operator().into()],
            seen: Some(at(3_600)),
        }],
        count: 1,
        cut: false,
        find: String::new(),
        banner: banner(false, lang.admin_why_taken()),
        made: Some(SecretView { name: "chen".into(), password: "abcde-fghjk-mnpqr-stuvw".into() }),
        form: Some(form()),
        may_roles: lang.role_administrator().into(),
    };
    let user = AdminUserPage {
        shell: &shell,
        tab: "users",
        name: "chen".into(),
        action: "/admin/users/chen".into(),
        class: "ok",
        state: lang.admin_user_active(),
        since: at(90_000),
        seen: None,
        sessions: 2,
        grants: vec![GrantHeldView {
            role: lang.role_operator(),
            area: lang.admin_everywhere().into(),
            unit: String::new(),
            role_code: "operator",
            area_path: "/".into(),
            unit_id: String::new(),
        }],
        mail: "chen@county.test".into(),
        phone: String::new(),
        locked: false,
        removed: false,
        oneself: false,
        may: true,
        may_roles: lang.role_administrator().into(),
        banner: banner(true, lang.admin_done_granted()),
        password: Some("abcde-fghjk-mnpqr-stuvw".into()),
        form: form(),
        changes: vec![row()],
        all_changes: "/admin/audit?subject=chen".into(),
    };
    let areas = AdminAreasPage {
        shell: &shell,
        tab: "areas",
        rows: vec![AreaRowView {
            id: "dongguan-01".into(),
            depth: 4,
            name: "东关一网格".into(),
            name_en: "Dongguan 1".into(),
            level: lang.pick("网格", "grid"),
            rural: false,
            manager: "no",
            edit: Some("/admin/areas?edit=dongguan-01".into()),
        }],
        count: 274,
        cut: true,
        find: "东关".into(),
        banner: None,
        edit: Some(AreaEdit {
            id: "dongguan-01".into(),
            name_zh: "东关一网格".into(),
            name_en: "Dongguan 1".into(),
            rural: true,
        }),
    };
    let units = AdminUnitsPage {
        shell: &shell,
        tab: "units",
        rows: vec![UnitRowView {
            id: "police".into(),
            name: "公安".into(),
            name_en: "Police".into(),
            area: lang.admin_everywhere().into(),
            active: true,
            head: false,
            edit: Some("/admin/units?edit=police".into()),
        }],
        banner: None,
        edit: None,
    };
    let day = |day: &str, gap: bool| DayView {
        day: day.into(),
        turns: vec![TurnView {
            id: "d1".into(),
            who: "li".into(),
            hours: "08:00–20:00".into(),
            area: String::new(),
            may: true,
        }],
        gaps: if gap { vec!["20:00–24:00".into()] } else { vec![] },
    };
    let duty = AdminDutyPage {
        shell: &shell,
        tab: "duty",
        area: String::new(),
        area_name: lang.admin_everywhere().into(),
        areas: vec![],
        week: "2026-03-16".into(),
        before: "/admin/duty?area=&week=2026-03-09".into(),
        after: "/admin/duty?area=&week=2026-03-23".into(),
        posts: vec![PostView {
            word: lang.admin_post_duty(),
            days: vec![day("03-16", false), day("03-17", true)],
        }],
        banner: None,
        form: Some(TurnForm {
            user: String::new(),
            posts: vec![choice("duty", lang.admin_post_duty())],
            from: String::new(),
            to: String::new(),
            users: vec!["li".into()],
        }),
    };
    let last = || Some(LastView { at: at(7_200), by: "admin".into() });
    let imports = AdminImportsPage {
        shell: &shell,
        tab: "imports",
        kinds: vec![ImportKindView {
            word: lang.admin_areas(),
            href: "/admin/imports/areas".into(),
            columns: "id, name, level, parent",
            last: last(),
        }],
    };
    let basemaps = |banner: Option<Banner>, may| AdminBaseMapsPage {
        shell: &shell,
        tab: "basemaps",
        rows: vec![BaseMapView {
            name: "county.pmtiles".into(),
            sha256: "5a".repeat(32),
            place: "34.3000–34.7000 N, 107.1000–107.7000 E".into(),
            zooms: "0–14".into(),
            size: "182 MB".into(),
            at: at(86_400),
            shown: true,
        }],
        banner,
        may,
        may_why: lang.admin_countywide().to_owned(),
    };
    let import = |result: ImportResult, word, good| AdminImportPage {
        shell: &shell,
        tab: "imports",
        word,
        action: "/admin/imports/policies".into(),
        columns: "TOML",
        banner: banner(good, if good { lang.admin_import_good() } else { lang.admin_import_bad() }),
        result: Some(result),
        may: true,
        may_why: String::new(),
        replaces: true,
        adds: true,
        drawn: true,
        skips: true,
        noted: true,
        text: "[limits]\n".into(),
        note: "faster".into(),
        replace: true,
        add: false,
        gcj02: false,
        skip_bad: false,
    };
    let diff = || {
        let line = |class, mark, text: &str| DiffLine { class, mark, text: text.into() };
        vec![
            line("gap", "…", ""),
            line("gone", "−", "handle = \"4 hours\""),
            line("new", "+", "handle = \"1 hour\""),
        ]
    };
    let good = ImportResult {
        confirm: Some("a".repeat(64)),
        diff: Some(diff()),
        effect: Some(vec![EffectView {
            category: lang.pick("噪声", "Noise").into(),
            clock: lang.pick("处置", "Handling"),
            cases: 50,
            then: lang.pick("4小时", "4 hours").into(),
            new: lang.pick("1小时", "1 hour").into(),
            late_then: 3,
            late_new: 17,
        }]),
        passwords: vec![SecretView { name: "chen".into(), password: "abcde-fghjk".into() }],
        ..ImportResult::default()
    };
    let bad = ImportResult {
        tallies: vec![TallyView { word: lang.admin_tally_new(), count: 2, names: "g1, g2".into() }],
        faults: vec![FaultView {
            line: "4".into(),
            column: "E (area)".into(),
            what: "there is no area \"dongguang\", did you mean dongguan?".into(),
        }],
        more: 3,
        ..ImportResult::default()
    };
    let policies = AdminPoliciesPage {
        shell: &shell,
        tab: "policies",
        versions: vec![VersionView {
            version: 2,
            by: "admin".into(),
            at: at(3_600),
            note: "faster".into(),
            in_force: true,
        }],
        weekdays: lang.pick("周一、周二", "Mon, Tue").into(),
        hours: vec!["08:30-12:00".into()],
        years: vec![YearView {
            year: 2026,
            holidays: vec!["2026-01-01".into()],
            workdays: vec!["2026-01-04".into()],
        }],
        text: Some("[limits]\n".into()),
    };
    let policy = AdminPolicyPage {
        shell: &shell,
        tab: "policies",
        version: 1,
        in_force: false,
        text: "[limits]\n".into(),
        diff: Some(diff()),
    };
    let list = AdminListPage {
        shell: &shell,
        tab: "categories",
        title: lang.admin_categories(),
        action: "/admin/categories",
        import: "/admin/imports/categories",
        count: 1,
        cut: false,
        find: String::new(),
        last: last(),
        heads: vec![lang.admin_id(), lang.admin_name()],
        rows: vec![vec!["noise".into(), lang.pick("噪声", "Noise").into()]],
        word_lists: true,
    };
    let register = AdminRegisterPage {
        shell: &shell,
        tab: "audit",
        title: lang.admin_audit(),
        lead: lang.admin_audit_lead(),
        action: "/admin/audit",
        fields: vec![RegisterField {
            name: "from",
            label: lang.admin_day_from(),
            kind: "date",
            value: "2026-03-18".into(),
        }],
        acts: vec![choice("", lang.admin_all())],
        banner: None,
        heads: vec![
            lang.admin_by(),
            lang.admin_act(),
            lang.admin_subject(),
            lang.admin_before(),
            lang.admin_after(),
        ],
        rows: vec![row()],
        next: Some("/admin/audit?after=1~2".into()),
        csv: "/admin/audit.csv?".into(),
    };
    let refused = Banner { good: false, text: lang.admin_basemap_large().to_owned() };
    vec![
        ("admin", overview.render()),
        ("admin-users", users.render()),
        ("admin-user", user.render()),
        ("admin-areas", areas.render()),
        ("admin-units", units.render()),
        ("admin-duty", duty.render()),
        ("admin-imports", imports.render()),
        ("admin-import-good", import(good, lang.admin_policies(), true).render()),
        ("admin-import-bad", import(bad, lang.admin_areas(), false).render()),
        ("admin-basemaps", basemaps(None, true).render()),
        ("admin-basemaps-refused", basemaps(Some(refused), false).render()),
        ("admin-policies", policies.render()),
        ("admin-policy", policy.render()),
        ("admin-list", list.render()),
        ("admin-register", register.render()),
    ]
}
