//! An administrator lets somebody in and gives a second role, tries an import that holds a bad row, looks at what another policy
//! would have meant, and finds each of these acts on record, and none that was only tried.

use protocol::{IncidentKind, Severity};
use world::DatabaseKind;

use crate::person::Person;

const NEW_PASSWORD: &str = "a river runs past it";

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let county = super::county(database, &["dispatcher", "handler", "town_officer"]).await;
    let number = county.alert("market", IncidentKind::Smoke, Severity::Normal, "dongguan-03").await;
    county.go(&number, "closed").await;
    let admin = Person::sits(&county, "administrator").await;
    let password = somebody_new(&admin).await;
    first_login(&admin, &password).await;
    an_import_with_a_bad_row(&admin).await;
    another_policy(&admin).await;
    on_record(&admin).await;
    admin.is_content().await;
}

async fn somebody_new(admin: &Person<'_>) -> String {
    admin.go("/admin").await;
    admin.follow_in(".admin__nav", "用户").await;
    admin.write("用户名", "chen").await;
    admin.choose("form[action='/admin/users'].admin__form", "角色", "镇干部").await;
    admin.write("区域", "qingwu-town").await;
    admin.push("新增用户").await;
    admin.reads("main", "初始密码只显示这一次").await;
    let password = admin.browser.text(".admin__secret").await.unwrap().unwrap();

    admin.follow("chen").await;
    admin.comes_to("/admin/users/chen").await;
    admin.choose("form.admin__form", "角色", "网格管理员").await;
    admin.write("区域", "dongguan-03").await;
    admin.push("授予角色").await;
    admin.reads("[role=status]", "角色已授予").await;
    password.trim().to_owned()
}

/// With the password that somebody else knows nothing can be done but to change it.
async fn first_login(admin: &Person<'_>, password: &str) {
    let chen = Person::anybody(admin.county).await;
    let base = admin.county.world.https();
    chen.browser.login(&base, "chen", password).await.unwrap();
    chen.go("/cases").await;
    chen.comes_to("/me").await;
    chen.write("原密码", password).await;
    chen.write("新密码", NEW_PASSWORD).await;
    chen.write("再输一次新密码", NEW_PASSWORD).await;
    chen.push_in("#password", "修改").await;
    chen.reads("[role=status]", "密码已修改").await;
    let roles = chen.browser.text("main table").await.unwrap().unwrap();
    assert!(roles.contains("镇干部") && roles.contains("网格管理员"), "{roles}");
    // The page for telephones is a grid manager's.
    chen.go("/field").await;
    chen.comes_to("/field").await;
    chen.is_content().await;
}

/// A row that cannot be is told with its line, and nothing of the sheet is taken. The same without it is taken once confirmed.
async fn an_import_with_a_bad_row(admin: &Person<'_>) {
    let good = "id,name,name_en,level,parent\ndongguan-77,东关新网格,Dongguan new grid,grid,dongguan\n";
    let bad = format!("{good}dongguan-78,东关错网格,Dongguan odd grid,grid,nowhere\n");
    admin.go("/admin/imports").await;
    admin.follow_in("main", "区域").await;
    admin.write("或粘贴内容", &bad).await;
    admin.push("试导入").await;
    admin.reads("[role=alert]", "什么都没有导入").await;
    admin.is_refused(422).await;
    let fault = "return document.querySelector('.admin__fault')?.closest('tr').innerText";
    let fault = admin.run(fault).await;
    let fault = fault.as_str().unwrap();
    assert!(fault.starts_with('3') && fault.contains("nowhere"), "{fault}");
    assert!(!areas(admin).await.contains("东关新网格"), "nothing of it was taken");

    admin.write("或粘贴内容", good).await;
    admin.push("试导入").await;
    admin.reads("main", "可以导入").await;
    assert!(!areas(admin).await.contains("东关新网格"), "it was only tried");
    admin.push("确认导入").await;
    admin.reads("main", "已导入").await;
    assert!(areas(admin).await.contains("东关新网格"));
}

/// What the page of areas says, beside the page that is open.
async fn areas(admin: &Person<'_>) -> String {
    let page = admin.run("return fetch('/admin/areas').then((answer) => answer.text())").await;
    page.as_str().unwrap().to_owned()
}

/// What closed cases would have met under it is shown before anything is in force.
async fn another_policy(admin: &Person<'_>) {
    admin.go("/admin/policies").await;
    admin.write("说明", "a look only").await;
    let change = "const { text } = document.querySelector('main form').elements; \
        text.value = text.value.replace('handle = \"7 working days\"', 'handle = \"1 minute\"'); \
        return text.value.includes('1 minute')";
    assert_eq!(admin.run(change).await, true);
    admin.push("试导入").await;
    admin.reads(".admin__diff", "1 minute").await;
    admin.reads("main", "对最近已结案件的影响").await;
    // The one closed case stands under its old limit and its new one.
    let rows = "return [...document.querySelectorAll('.wide tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))";
    let rows: Vec<Vec<String>> = serde_json::from_value(admin.run(rows).await).unwrap();
    let changed = ["处置", "1", "7个工作日", "1分钟"];
    assert!(rows.iter().any(|row| row.get(1..5).is_some_and(|cells| cells == changed)), "{rows:?}");
    admin.go("/admin/policies").await;
    let versions = admin.run("return document.querySelectorAll('main table tr.jk').length").await;
    assert_eq!(versions, 1, "nobody confirmed it");
}

/// In the order in which they were done, by whom, and nothing more.
async fn on_record(admin: &Person<'_>) {
    admin.go("/admin").await;
    admin.follow_in(".admin__nav", "管理记录").await;
    let rows =
        admin.run("return [...document.querySelectorAll('main tr.jk')].map((row) => row.innerText)").await;
    let rows: Vec<&str> = rows.as_array().unwrap().iter().filter_map(|row| row.as_str()).collect();
    let own: Vec<&&str> = rows.iter().filter(|row| row.contains("admin")).collect();
    let of = |act: &str| own.iter().filter(|row| row.contains(act)).count();
    assert_eq!((of("新增用户"), of("授予角色"), of("导入区域")), (1, 1, 1), "{rows:#?}");
    assert!(own.iter().all(|row| !row.contains("启用规则")), "what was tried is no change: {rows:#?}");
}
