//! The pages of administration.

use askama::Template;

use super::{Nav, Shell, Theme};
use crate::web::moment::Moment;

/// Above a page: what came of what was just done there.
#[derive(Clone, Debug)]
pub struct Banner {
    pub good: bool,
    pub text: String,
}

/// One of several.
#[derive(Clone, Debug)]
pub struct AdminChoice {
    pub value: String,
    pub word: String,
    pub on: bool,
}

/// A password that is shown once.
#[derive(Clone, Debug)]
pub struct SecretView {
    pub name: String,
    pub password: String,
}

/// When something was done last, and by whom.
#[derive(Clone, Debug)]
pub struct LastView {
    pub at: Moment,
    pub by: String,
}

/// How many, and which.
#[derive(Clone, Debug)]
pub struct TallyView {
    pub word: &'static str,
    pub count: usize,
    pub names: String,
}

/// A figure and where it leads.
#[derive(Clone, Debug)]
pub struct ThereView {
    pub word: &'static str,
    pub figure: String,
    pub href: &'static str,
}

#[derive(Clone, Debug)]
pub struct FindingView {
    pub what: String,
    pub why: String,
    pub href: &'static str,
}

#[derive(Template)]
#[template(path = "admin.html")]
pub struct AdminPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub there: Vec<ThereView>,
    pub missing: Vec<FindingView>,
}

#[derive(Clone, Debug)]
pub struct PersonRowView {
    pub name: String,
    pub href: String,
    /// `ok`, `soon` or `bad`
    pub class: &'static str,
    pub state: &'static str,
    pub roles: Vec<String>,
    pub seen: Option<Moment>,
}

/// Where somebody gets a role: what was typed.
#[derive(Clone, Debug, Default)]
pub struct GrantForm {
    pub name: String,
    pub area: String,
    pub unit: String,
    pub roles: Vec<AdminChoice>,
    pub areas: Vec<AdminChoice>,
    pub units: Vec<AdminChoice>,
}

#[derive(Template)]
#[template(path = "admin_users.html")]
pub struct AdminUsersPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub rows: Vec<PersonRowView>,
    pub count: usize,
    pub cut: bool,
    pub find: String,
    pub banner: Option<Banner>,
    /// Name and password of who was just made.
    pub made: Option<SecretView>,
    /// Nothing for who only looks.
    pub form: Option<GrantForm>,
    pub may_roles: String,
}

#[derive(Clone, Debug)]
pub struct GrantHeldView {
    pub role: &'static str,
    pub area: String,
    pub unit: String,
    /// As the form sends them back.
    pub role_code: &'static str,
    pub area_path: String,
    pub unit_id: String,
}

#[derive(Template)]
#[template(path = "admin_user.html")]
pub struct AdminUserPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub name: String,
    pub action: String,
    pub class: &'static str,
    pub state: &'static str,
    pub since: Moment,
    pub seen: Option<Moment>,
    pub sessions: i64,
    pub grants: Vec<GrantHeldView>,
    pub mail: String,
    pub phone: String,
    pub locked: bool,
    pub removed: bool,
    pub oneself: bool,
    pub may: bool,
    pub may_roles: String,
    pub banner: Option<Banner>,
    pub password: Option<String>,
    pub form: GrantForm,
    pub changes: Vec<RegisterRow>,
    pub all_changes: String,
}

#[derive(Clone, Debug)]
pub struct AreaRowView {
    pub id: String,
    /// 1 to 6: how deep it lies.
    pub depth: usize,
    pub name: String,
    pub name_en: String,
    pub level: &'static str,
    pub rural: bool,
    /// Of a grid, whether it has a manager: `yes` or `no`; nothing of others.
    pub manager: &'static str,
    /// Nothing for who may not change it.
    pub edit: Option<String>,
}

#[derive(Clone, Debug)]
pub struct AreaEdit {
    pub id: String,
    pub name_zh: String,
    pub name_en: String,
    pub rural: bool,
}

#[derive(Template)]
#[template(path = "admin_areas.html")]
pub struct AdminAreasPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub rows: Vec<AreaRowView>,
    pub count: usize,
    pub cut: bool,
    pub find: String,
    pub banner: Option<Banner>,
    pub edit: Option<AreaEdit>,
}

#[derive(Clone, Debug)]
pub struct UnitRowView {
    pub id: String,
    pub name: String,
    pub name_en: String,
    pub area: String,
    pub active: bool,
    pub head: bool,
    pub edit: Option<String>,
}

#[derive(Clone, Debug)]
pub struct UnitEdit {
    pub id: String,
    pub name_zh: String,
    pub name_en: String,
    pub area: String,
    pub active: bool,
    pub areas: Vec<AdminChoice>,
}

#[derive(Template)]
#[template(path = "admin_units.html")]
pub struct AdminUnitsPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub rows: Vec<UnitRowView>,
    pub banner: Option<Banner>,
    pub edit: Option<UnitEdit>,
}

#[derive(Clone, Debug)]
pub struct TurnView {
    pub id: String,
    pub who: String,
    pub hours: String,
    pub area: String,
    pub may: bool,
}

#[derive(Clone, Debug)]
pub struct DayView {
    pub day: String,
    pub turns: Vec<TurnView>,
    pub gaps: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct PostView {
    pub word: &'static str,
    pub days: Vec<DayView>,
}

/// What was typed of a turn.
#[derive(Clone, Debug, Default)]
pub struct TurnForm {
    pub user: String,
    pub posts: Vec<AdminChoice>,
    pub from: String,
    pub to: String,
    pub users: Vec<String>,
}

#[derive(Template)]
#[template(path = "admin_duty.html")]
pub struct AdminDutyPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub area: String,
    pub area_name: String,
    pub areas: Vec<AdminChoice>,
    /// Its Monday.
    pub week: String,
    pub before: String,
    pub after: String,
    pub posts: Vec<PostView>,
    pub banner: Option<Banner>,
    pub form: Option<TurnForm>,
}

#[derive(Clone, Debug)]
pub struct ImportKindView {
    pub word: &'static str,
    pub href: String,
    pub columns: &'static str,
    pub last: Option<LastView>,
}

#[derive(Template)]
#[template(path = "admin_imports.html")]
pub struct AdminImportsPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub kinds: Vec<ImportKindView>,
}

/// A base map that is here.
#[derive(Clone, Debug)]
pub struct BaseMapView {
    pub name: String,
    pub sha256: String,
    pub place: String,
    pub zooms: String,
    pub size: String,
    pub at: Moment,
    /// The newest: maps show it.
    pub shown: bool,
}

#[derive(Template)]
#[template(path = "admin_basemaps.html")]
pub struct AdminBaseMapsPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub rows: Vec<BaseMapView>,
    pub banner: Option<Banner>,
    pub may: bool,
    pub may_why: String,
}

#[derive(Clone, Debug)]
pub struct FaultView {
    pub line: String,
    pub column: String,
    pub what: String,
}

#[derive(Clone, Debug)]
pub struct DiffLine {
    /// `same`, `gone`, `new` or `gap`
    pub class: &'static str,
    pub mark: &'static str,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct EffectView {
    pub category: String,
    pub clock: &'static str,
    pub cases: usize,
    pub then: String,
    pub new: String,
    pub late_then: usize,
    pub late_new: usize,
}

/// What came of an import, or would.
#[derive(Clone, Debug, Default)]
pub struct ImportResult {
    pub tallies: Vec<TallyView>,
    pub faults: Vec<FaultView>,
    pub more: usize,
    /// By which it is confirmed.
    pub confirm: Option<String>,
    pub version: Option<i64>,
    pub passwords: Vec<SecretView>,
    /// Of a policy.
    pub diff: Option<Vec<DiffLine>>,
    pub effect: Option<Vec<EffectView>>,
}

#[derive(Template)]
#[template(path = "admin_import.html")]
pub struct AdminImportPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub word: &'static str,
    pub action: String,
    pub columns: &'static str,
    pub banner: Option<Banner>,
    pub result: Option<ImportResult>,
    pub may: bool,
    pub may_why: String,
    pub replaces: bool,
    pub adds: bool,
    pub drawn: bool,
    pub skips: bool,
    pub noted: bool,
    /// What was typed or chosen.
    pub text: String,
    pub note: String,
    pub replace: bool,
    pub add: bool,
    pub gcj02: bool,
    pub skip_bad: bool,
}

#[derive(Clone, Debug)]
pub struct VersionView {
    pub version: i64,
    pub by: String,
    pub at: Moment,
    pub note: String,
    pub in_force: bool,
}

#[derive(Clone, Debug)]
pub struct YearView {
    pub year: i16,
    pub holidays: Vec<String>,
    pub workdays: Vec<String>,
}

#[derive(Template)]
#[template(path = "admin_policies.html")]
pub struct AdminPoliciesPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub versions: Vec<VersionView>,
    pub weekdays: String,
    pub hours: Vec<String>,
    pub years: Vec<YearView>,
    /// The text in force, for who may change it.
    pub text: Option<String>,
}

#[derive(Template)]
#[template(path = "admin_policy.html")]
pub struct AdminPolicyPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub version: i64,
    pub in_force: bool,
    pub text: String,
    /// Nothing of the one in force.
    pub diff: Option<Vec<DiffLine>>,
}

/// Categories, places or entries of knowledge: what an import brought.
#[derive(Template)]
#[template(path = "admin_list.html")]
pub struct AdminListPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub title: &'static str,
    pub action: &'static str,
    pub import: &'static str,
    pub count: usize,
    pub cut: bool,
    pub find: String,
    pub last: Option<LastView>,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Of the words that tell of danger.
    pub word_lists: bool,
}

#[derive(Clone, Debug)]
pub struct CellView {
    pub text: String,
    pub href: Option<String>,
}

#[derive(Clone, Debug)]
pub struct RegisterRow {
    pub at: Moment,
    pub cells: Vec<CellView>,
}

/// A field by which rows are chosen.
#[derive(Clone, Debug)]
pub struct RegisterField {
    pub name: &'static str,
    pub label: &'static str,
    /// `text` or `date`
    pub kind: &'static str,
    pub value: String,
}

#[derive(Template)]
#[template(path = "admin_register.html")]
pub struct AdminRegisterPage<'a> {
    pub shell: &'a Shell,
    pub tab: &'static str,
    pub title: &'static str,
    pub lead: &'static str,
    pub action: &'static str,
    pub fields: Vec<RegisterField>,
    /// What was done; nothing where that is not asked.
    pub acts: Vec<AdminChoice>,
    pub banner: Option<Banner>,
    pub heads: Vec<&'static str>,
    pub rows: Vec<RegisterRow>,
    pub next: Option<String>,
    pub csv: String,
}
