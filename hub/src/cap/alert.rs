//! One CAP 1.2 message (OASIS, 1 July 2010): its words, and its XML in the order of the schema. Pure.

use protocol::{IncidentKind, Severity};

use super::Words;
use crate::xml::Document;

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// Whom it is for: scope `Restricted` has to say.
const RESTRICTION: &str = "仅限应急处置单位使用 For units that respond to emergencies only";
/// For so long a message holds when nothing takes its place.
pub(super) const LIFE_MS: i64 = 24 * 3_600_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the schema has it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }
        }
    };
}

words!(
    /// What is to be done with it.
    Status { Actual, Exercise, Test, Draft }
);
words!(MsgType { Alert, Update, Cancel });
words!(Category { Safety, Security, Rescue, Fire, Health, Env, Transport, Infra, Other });
words!(Urgency { Immediate, Expected, Future, Past });
words!(
    /// How bad it may be.
    Grade { Severe, Moderate, Minor }
);
words!(Certainty { Observed, Likely, Possible });

/// By which a message is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub sender: String,
    pub identifier: String,
    /// With the zone's offset, never `Z`.
    pub at: String,
}

impl Sent {
    fn reference(&self) -> String {
        format!("{},{},{}", self.sender, self.identifier, self.at)
    }
}

/// Where it holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ground {
    pub zh: String,
    pub en: String,
    /// Latitude and longitude, WGS84; each ring closed. Nothing where a point is known.
    pub polygons: Vec<Vec<(f64, f64)>>,
    /// Around a point: latitude, longitude, kilometres.
    pub circle: Option<(f64, f64, f64)>,
    /// Path in the tree of areas.
    pub path: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub sent: Sent,
    pub status: Status,
    pub msg_type: MsgType,
    /// Messages that this one takes the place of.
    pub references: Vec<Sent>,
    /// Of the case.
    pub number: String,
    pub category: Category,
    /// Chinese and English.
    pub event: (String, String),
    pub severity: Severity,
    pub certainty: Certainty,
    pub onset: String,
    pub expires: String,
    pub sender_name: String,
    /// What people call the place.
    pub place: String,
    pub words: Words,
    pub ground: Ground,
}

/// CAP's category of a kind of incident or a category of cases; nothing for what is only about the equipment.
pub fn category_of(word: &str) -> Option<Category> {
    use IncidentKind as K;
    if let Ok(kind) = word.parse::<IncidentKind>() {
        return match kind {
            K::Fire | K::Smoke => Some(Category::Fire),
            K::BlockedLane | K::EbikeInLift | K::Crowding => Some(Category::Safety),
            K::Fall => Some(Category::Rescue),
            K::Intrusion | K::LineCrossing | K::Loitering | K::AbandonedObject => Some(Category::Security),
            K::VehicleForbidden => Some(Category::Transport),
            K::Hotline => Some(Category::Other),
            K::CameraCovered
            | K::CameraDefocused
            | K::CameraMoved
            | K::CameraFrozen
            | K::CameraLost
            | K::DeviceLost => None,
        };
    }
    Some(match word {
        "fire_hazard" => Category::Fire,
        "public_order" => Category::Security,
        "work_safety" => Category::Safety,
        "noise" | "pollution" | "sanitation" => Category::Env,
        "road_traffic" | "transport_service" => Category::Transport,
        "power" | "utilities" | "street_facility" | "telecom" | "illegal_building" | "property" | "land" => {
            Category::Infra
        }
        "health" | "family_planning" | "disability" => Category::Health,
        _ => Category::Other,
    })
}

/// Somebody who files a case has made sure of it; somebody who has it in hand takes it for true.
pub(super) fn certainty(filed: bool, in_hand: bool) -> Certainty {
    match (filed, in_hand) {
        (true, _) => Certainty::Observed,
        (false, true) => Certainty::Likely,
        (false, false) => Certainty::Possible,
    }
}

fn urgency(severity: Severity, msg_type: MsgType) -> Urgency {
    match (msg_type, severity) {
        (MsgType::Cancel, _) => Urgency::Past,
        (_, Severity::Emergency) => Urgency::Immediate,
        (_, Severity::Major) => Urgency::Expected,
        _ => Urgency::Future,
    }
}

fn grade(severity: Severity) -> Grade {
    match severity {
        Severity::Emergency => Grade::Severe,
        Severity::Major => Grade::Moderate,
        _ => Grade::Minor,
    }
}

/// A time as CAP has it: the offset of UTC is written `-00:00`.
pub(super) fn time(zoned: &str) -> String {
    zoned.strip_suffix("+00:00").map_or_else(|| zoned.to_owned(), |time| format!("{time}-00:00"))
}

impl Alert {
    /// The message as it is sent.
    pub fn write(&self) -> String {
        Document::write("alert", &[("xmlns", NAMESPACE)], |all| {
            all.leaf("identifier", &name(&self.sent.identifier));
            all.leaf("sender", &name(&self.sent.sender));
            all.leaf("sent", &self.sent.at);
            all.leaf("status", self.status.as_str());
            all.leaf("msgType", self.msg_type.as_str());
            all.leaf("scope", "Restricted");
            all.leaf("restriction", RESTRICTION);
            let note = match self.status {
                Status::Exercise => Some("演练 This is an exercise"),
                Status::Test => Some("设备自检 A box tests itself"),
                Status::Actual | Status::Draft => None,
            };
            all.leaf_if("note", note);
            let references: Vec<String> = self.references.iter().map(Sent::reference).collect();
            all.leaf_if("references", (!references.is_empty()).then(|| references.join(" ")).as_deref());
            all.leaf("incidents", &name(&self.number));
            self.info(all, true);
            self.info(all, false);
        })
    }

    fn info(&self, all: &mut Document, zh: bool) {
        let pick = |a: &str, b: &str| if zh { a } else { b }.to_owned();
        let event = pick(&self.event.0, &self.event.1);
        let (text, instruction) = (
            pick(&self.words.text, &self.words.text_en),
            pick(&self.words.instruction, &self.words.instruction_en),
        );
        let ground = pick(&self.ground.zh, &self.ground.en);
        let over = self.msg_type == MsgType::Cancel;
        let headline = match (over, zh) {
            (true, true) => format!("预警解除：{event} · {ground}"),
            (true, false) => format!("All clear: {event}, {ground}"),
            (false, true) => format!("{}：{event} · {ground}", self.severity.zh()),
            (false, false) => format!("{}: {event}, {ground}", self.severity.en()),
        };
        let told = if text.trim().is_empty() {
            let place = if self.place.is_empty() { &ground } else { &self.place };
            match (over, zh) {
                (true, true) => format!("{place}的{event}已结束，此前的预警不再有效。案号 {}。", self.number),
                (true, false) => {
                    format!(
                        "{event} at {place} has ended: earlier alerts no longer hold. Case {}.",
                        self.number
                    )
                }
                (false, true) => format!("{place}发生{event}。案号 {}。", self.number),
                (false, false) => format!("{event} at {place}. Case {}.", self.number),
            }
        } else {
            text.trim().to_owned()
        };
        all.inside("info", |all| {
            all.leaf("language", if zh { "zh-CN" } else { "en-US" });
            all.leaf("category", self.category.as_str());
            all.leaf("event", &event);
            all.leaf("urgency", urgency(self.severity, self.msg_type).as_str());
            all.leaf("severity", grade(self.severity).as_str());
            all.leaf("certainty", self.certainty.as_str());
            all.leaf("onset", &self.onset);
            all.leaf("expires", &self.expires);
            all.leaf("senderName", &self.sender_name);
            all.leaf("headline", &headline);
            all.leaf("description", &told);
            all.leaf_if("instruction", Some(instruction.trim()).filter(|text| !text.is_empty()));
            all.inside("area", |all| {
                all.leaf("areaDesc", &ground);
                for ring in &self.ground.polygons {
                    all.leaf("polygon", &points(ring));
                }
                let circle = self.ground.circle;
                let circle = circle.map(|(lat, long, km)| format!("{lat:.6},{long:.6} {km}"));
                all.leaf_if("circle", circle.as_deref());
                if !self.ground.path.is_empty() {
                    all.inside("geocode", |all| {
                        all.leaf("valueName", "shaodian:area");
                        all.leaf("value", &self.ground.path);
                    });
                }
            });
        });
    }
}

/// Without what CAP's identifiers may not have.
fn name(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !",<&".contains(*c)).collect()
}

fn points(ring: &[(f64, f64)]) -> String {
    ring.iter().map(|(lat, long)| format!("{lat:.6},{long:.6}")).collect::<Vec<_>>().join(" ")
}
