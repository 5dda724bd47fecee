//! The map's page, and the maps of the wall and of a case: who gets which, what they are told, and that everything works without.

use axum::http::StatusCode;
use protocol::{Event, Place, Severity};

use super::site::{Browser, START, Site, sites};
use crate::map::tests::{AREAS, MAP, put_in_force};
use crate::organisation::AreaPath;
use crate::organisation::testing::import_areas;
use crate::user::{self, Grant, Role};

impl Site {
    /// A case of a camera at a point; returns its number.
    async fn map_case(&mut self, name: &str, longitude: f64, severity: Severity) -> String {
        let mut incident = self.camera_incident(&format!("camera-{}", self.sequence), name);
        incident.severity = severity;
        incident.place =
            Some(Place { name: name.to_owned(), latitude: Some(34.5105), longitude: Some(longitude) });
        self.hand_in(Event::Incident(incident)).await;
        self.clock.advance_ms(1_000);
        let chief = self.sign_in("chief").await;
        self.number(&chief).await
    }

    async fn map_of_grids(&self) {
        import_areas(&self.app.db, self.app.tenant().as_str(), AREAS.as_bytes(), false).await.unwrap();
        put_in_force(self, MAP).await;
    }

    async fn map_officer(&self, area: &str, role: Role) -> Browser {
        let (app, tenant) = (&self.app, self.app.tenant().as_str());
        let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
        let one = ("officer", "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        self.sign_in("officer").await
    }

    async fn map_shown(&self, path: &str, who: &Browser) -> String {
        let answer = self.get(path, Some(who)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}, {}: {}", self.name, answer.text);
        answer.text
    }
}

/// Numbers of the rows of the list, top first.
fn listed(page: &str) -> Vec<&str> {
    page.split("id=\"pin-").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The page lists what its map shows, for each as far as he sees it, by severity where one is asked for; the number of each grid
/// leads to its cases. It is said what the map is told, and nothing is inline.
#[tokio::test]
async fn the_page_says_what_the_map_shows() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let bare = site.map_shown("/map", &chief).await;
        assert!(bare.contains("hub grid import") && bare.contains("没有带位置的未结案件"), "{bare}");
        assert!(bare.contains("data-map=\"page\"") && !bare.contains("data-grids"), "cases alone are drawn");
        site.map_of_grids().await;
        let fire = site.map_case("东关巷口", 106.9305, Severity::Emergency).await;
        let lane = site.map_case("西园", 106.9325, Severity::Normal).await;
        site.raise_camera("dark", "没有坐标").await;

        let page = site.map_shown("/map", &chief).await;
        assert_eq!(listed(&page), [&lane, &fire], "{}", site.name);
        for part in [
            "href=\"/map\" aria-current=\"page\"",
            "data-bounds=\"106.930000,34.510000,106.933000,34.511000\"",
            "data-grids",
            "data-severities=\"紧急|重要|一般|提示\"",
            "青梧镇<i>/</i>东关社区<i>/</i><b>e1号</b>",
            "/wall/cases?part=open&#38;area=/c/t/east/e1/",
            "src=\"/assets/map.js\"",
            "data-act=\"boxes\"",
        ] {
            assert!(page.contains(part), "{part}, {}: {page}", site.name);
        }
        assert!(!page.contains("<script>") && !page.contains("style=\"") && !page.contains("data-basemap"));
        assert!(
            page.contains("没有坐标的未结案件 <a class=\"num\" href=\"/wall/cases?part=open\">1</a>"),
            "{page}"
        );
        let only = site.map_shown("/map?severity=emergency&lang=en", &chief).await;
        assert_eq!(listed(&only), [&fire], "{}", site.name);
        assert!(only.contains("data-severity=\"emergency\"") && only.contains("Open cases on the map"));
        assert!(only.contains("/wall/cases?part=open&#38;severity=emergency&#38;area=/c/t/east/e1/"));
        assert_eq!(
            listed(&site.map_shown("/map?severity=odd", &chief).await).len(),
            2,
            "what is no severity asks for all"
        );

        let officer = site.map_officer("/c/t/west/", Role::CommunityOfficer).await;
        let own = site.map_shown("/map", &officer).await;
        assert_eq!(listed(&own), [&lane], "{}", site.name);
        assert!(!own.contains(&fire) && !own.contains("东关巷口") && !own.contains("data-act=\"boxes\""));
    }
}

/// Whoever sees no cases has no map: no entry, and no page.
#[tokio::test]
async fn who_sets_up_boxes_has_no_map() {
    for site in sites().await {
        let installer = site.map_officer("/", Role::Installer).await;
        assert_eq!(site.get("/map", Some(&installer)).await.status, StatusCode::FORBIDDEN, "{}", site.name);
        assert!(!site.map_shown("/devices", &installer).await.contains("href=\"/map\""));
        let stranger = site.get("/map", None).await;
        assert_eq!(stranger.header("location"), "/login?next=/map");
    }
}

/// The wall has a map once there are grids, above the table, which stays; the room's has nothing to change a case with. A case
/// has one when its point is known.
#[tokio::test]
async fn maps_of_the_wall_and_of_a_case() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let fire = site.map_case("东关巷口", 106.9305, Severity::Emergency).await;
        site.raise_camera("dark", "没有坐标").await;
        let dark = site.number(&chief).await;
        assert!(
            !site.map_shown("/wall", &chief).await.contains("data-map"),
            "there is nothing to draw on yet"
        );
        assert!(!site.map_shown(&format!("/cases/{fire}"), &chief).await.contains("data-map"));
        site.map_of_grids().await;

        let wall = site.map_shown("/wall", &chief).await;
        let (map, table) = (wall.find("data-map=\"wall\"").unwrap(), wall.find("id=\"h-areas\"").unwrap());
        assert!(map < table && wall.contains("data-key=\"t\""), "{}", site.name);
        let room = site.map_shown("/screen", &chief).await;
        let main = room.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        assert!(main.contains("data-map=\"screen\"") && main.contains("data-act=\"3d\""));
        assert!(!main.contains("<form") && !main.contains("data-row-key"), "{}: {main}", site.name);

        let case = site.map_shown(&format!("/cases/{fire}"), &chief).await;
        assert!(
            case.contains("data-map=\"case\"") && case.contains("data-point=\"106.9305,34.5105\""),
            "{case}"
        );
        assert!(
            !site.map_shown(&format!("/cases/{dark}"), &chief).await.contains("data-map"),
            "no point is known"
        );
    }
}

/// The library and its worker come from here, with their tags, and the policy of pages allows them as they are: no `blob:`, no
/// `unsafe-…`. Its licence goes with it.
#[tokio::test]
async fn the_library_comes_from_here() {
    let site = sites().await.remove(0);
    for (name, kind, has) in [
        ("maplibre-gl.mjs", "text/javascript", "MapLibre GL JS"),
        ("maplibre-gl-worker.mjs", "text/javascript", "MapLibre GL JS"),
        ("maplibre-gl.css", "text/css", ".maplibregl-map"),
        ("maplibre-gl.txt", "text/plain", "Redistribution and use"),
        ("pmtiles.js", "text/javascript", "pmtiles"),
    ] {
        let file = site.get(&format!("/assets/{name}?v=6"), None).await;
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind), "{name}");
        assert!(file.text.contains(has), "{name}");
        assert!(!file.header("etag").is_empty() && file.header("cache-control") == "no-cache", "{name}");
    }
    let chief = site.log_in("chief").await;
    let policy = site.get("/map", Some(&chief)).await.header("content-security-policy").to_owned();
    assert!(
        policy.contains("worker-src 'self'") && !policy.contains("blob:") && !policy.contains("unsafe"),
        "{policy}"
    );
}
