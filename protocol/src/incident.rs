//! An incident: one thing that a camera, a call or a box told of. Later revisions replace earlier ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::call::CallSubject;
use crate::clock::UtcMs;
use crate::evidence::Evidence;
use crate::id::{CameraId, IncidentId, RuleId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $zh:literal, $en:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The word on Chinese screens.
            pub fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            /// The word on English screens.
            pub fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    format!("{text:?} is not one of {}", known.join(", "))
                })
            }
        }
    };
}

words!(
    /// Every kind of incident there is.
    IncidentKind {
        Intrusion = "intrusion", "区域入侵", "Intrusion";
        LineCrossing = "line_crossing", "越线", "Line crossing";
        Loitering = "loitering", "徘徊", "Loitering";
        Crowding = "crowding", "人员聚集", "Crowding";
        VehicleForbidden = "vehicle_forbidden", "禁行车辆", "Vehicle where forbidden";
        BlockedLane = "blocked_lane", "占用消防通道", "Blocked fire lane";
        AbandonedObject = "abandoned_object", "遗留物", "Abandoned object";
        EbikeInLift = "ebike_in_lift", "电动车进电梯", "E-bike in lift";
        Fall = "fall", "人员跌倒", "Fall";
        Fire = "fire", "明火", "Fire";
        Smoke = "smoke", "烟雾", "Smoke";
        CameraCovered = "camera_covered", "镜头遮挡", "Camera covered";
        CameraDefocused = "camera_defocused", "镜头失焦", "Camera defocused";
        CameraMoved = "camera_moved", "镜头移位", "Camera moved";
        CameraFrozen = "camera_frozen", "画面冻结", "Picture frozen";
        CameraLost = "camera_lost", "摄像头失联", "Camera lost";
        Hotline = "hotline", "热线来电", "Hotline call";
        DeviceLost = "device_lost", "设备失联", "Device lost";
    }
);

words!(
    /// How soon somebody must act. `p1` … `p4` in the design.
    Severity {
        Emergency = "emergency", "紧急", "Emergency";
        Major = "major", "重要", "Major";
        Normal = "normal", "一般", "Normal";
        Notice = "notice", "提示", "Notice";
    }
);

words!(
    /// What a detector may name. An allow-list: a face, a number plate or a name of a person cannot be expressed.
    Label {
        Person = "person", "人", "Person";
        Bicycle = "bicycle", "自行车", "Bicycle";
        Motorcycle = "motorcycle", "摩托车", "Motorcycle";
        Ebike = "ebike", "电动车", "E-bike";
        Car = "car", "轿车", "Car";
        Bus = "bus", "客车", "Bus";
        Truck = "truck", "货车", "Truck";
        Animal = "animal", "动物", "Animal";
        Bag = "bag", "包裹", "Bag";
        Fire = "fire", "火焰", "Fire";
        Smoke = "smoke", "烟雾", "Smoke";
        /// A thing that was put down, seen without any detector.
        Object = "object", "物品", "Object";
        /// The picture itself: covered, turned away, frozen, lost.
        Picture = "picture", "画面", "Picture";
        /// Something that moves, seen without any detector.
        Motion = "motion", "移动物体", "Motion";
    }
);

words!(
    /// Where an incident is in its life.
    Phase {
        Opened = "opened", "开始", "Opened";
        Updated = "updated", "更新", "Updated";
        Ended = "ended", "结束", "Ended";
    }
);

/// An axis-aligned box in shares of the picture: all four in 0..=1, `x`, `y` the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NormBox {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl NormBox {
    /// Middle of the lower edge: where a standing thing touches the ground.
    pub fn foot(&self) -> (f32, f32) {
        (self.x + self.w / 2.0, self.y + self.h)
    }

    pub fn area(&self) -> f32 {
        self.w.max(0.0) * self.h.max(0.0)
    }

    /// Intersection over union; 0 when apart or empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        if w <= 0.0 || h <= 0.0 {
            return 0.0;
        }
        let both = w * h;
        both / (self.area() + other.area() - both)
    }

    /// The part inside the picture.
    #[must_use]
    pub fn clamped(&self) -> Self {
        let (x, y) = (self.x.clamp(0.0, 1.0), self.y.clamp(0.0, 1.0));
        Self { x, y, w: (self.x + self.w).clamp(x, 1.0) - x, h: (self.y + self.h).clamp(y, 1.0) - y }
    }
}

/// Where it happened, as the box was told at installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// As people say it: 东关巷北口.
    pub name: String,
    /// WGS84 degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
}

/// What told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "source", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "few are held at once, each by its incident, which is larger")]
pub enum Subject {
    Camera(CameraSubject),
    Call(CallSubject),
    /// The box itself (or the hub speaking of a silent box).
    Device,
}

/// What a camera's rule saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CameraSubject {
    pub camera_id: CameraId,
    /// 东关巷北口 02
    pub camera_name: String,
    pub rule_id: RuleId,
    /// What the rule is called on screens.
    pub rule_name: String,
    /// The same in English, where the box was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_name_en: Option<String>,
    pub label: Label,
    /// Detector score 0..=1 of the best picture; 0 for motion.
    pub score: f32,
    pub region: NormBox,
    /// Most matching objects at once so far.
    pub object_count: u32,
    /// True when no detector was there and motion alone raised it.
    pub motion_only: bool,
    /// Which method saw it: model name and version, or `motion`.
    pub method: String,
}

/// One revision of an incident. Revision 1 opens it; the hub keeps the newest, in whatever order they arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Incident {
    pub incident_id: IncidentId,
    pub revision: u32,
    pub phase: Phase,
    pub kind: IncidentKind,
    pub severity: Severity,
    pub subject: Subject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When the cause began, by the box's clock: capture time of the frame, start of the call.
    pub started_at: UtcMs,
    /// When this revision was made.
    pub updated_at: UtcMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcMs>,
    /// All files so far; grows from revision to revision.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Drills and self-tests go the whole way and stay out of every statistic.
    #[serde(default)]
    pub drill: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word on the wire is what serde writes, and reads back.
    #[test]
    fn words_and_serde_agree() {
        for kind in IncidentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse::<IncidentKind>(), Ok(*kind));
        }
        for label in Label::ALL {
            assert_eq!(serde_json::to_value(label).unwrap(), label.as_str());
        }
    }

    /// The promise: no biometric class decodes.
    #[test]
    fn biometric_labels_cannot_be_expressed() {
        for word in ["face", "plate", "license_plate", "person_id", "gait", "name"] {
            assert!(serde_json::from_str::<Label>(&format!("{word:?}")).is_err());
            assert!(word.parse::<Label>().is_err());
        }
    }

    /// IoU of a box with itself is 1, with a distant one 0, with its half 0.5.
    #[test]
    fn iou_by_hand() {
        let a = NormBox { x: 0.0, y: 0.0, w: 0.4, h: 0.4 };
        let half = NormBox { h: 0.2, ..a };
        let far = NormBox { x: 0.6, ..a };
        assert!((a.iou(&a) - 1.0).abs() < 1e-6);
        assert!((a.iou(&half) - 0.5).abs() < 1e-6);
        assert!(a.iou(&far).abs() < 1e-6);
    }
}
