//! The view itself.

use edge_agent::signs::View;

use super::Golden;
use super::stage::Stage;

pub(crate) fn scenes() -> Vec<Golden> {
    let kinds = ["covered", "defocused", "moved", "frozen"];
    let rules: String = kinds.iter().fold(String::new(), |text, kind| {
        text + &format!("\n[[camera.rules]]\nid = \"{kind}\"\nkind = \"camera_{kind}\"\ndwell_s = 5\n")
    });
    let good = View::default();
    vec![
        // One trouble after another, each with a moment of doubt that neither ends nor doubles it.
        Golden::new(
            "view-troubles",
            &rules,
            Stage::of(100.0, []).view(&[
                ((10.0, 15.0), View { covered: 0.9, ..good }),
                ((15.0, 17.0), View { covered: 0.42, ..good }),
                ((17.0, 24.0), View { covered: 0.95, ..good }),
                ((35.0, 48.0), View { defocused: 0.7, ..good }),
                ((55.0, 70.0), View { moved: 0.8, ..good }),
                ((78.0, 90.0), View { frozen: 1.0, ..good }),
            ]),
            &[("covered", 22.0), ("defocused", 40.0), ("moved", 60.0), ("frozen", 83.0)],
        ),
        // A lorry close by, headlights, a gust: too short or too weak.
        Golden::new(
            "view-passing",
            &rules,
            Stage::of(60.0, []).view(&[
                ((5.0, 8.5), View { covered: 0.9, moved: 0.6, ..good }),
                ((15.0, 30.0), View { defocused: 0.45, ..good }),
                ((35.0, 39.0), View { moved: 0.9, ..good }),
                ((45.0, 49.0), View { frozen: 0.9, ..good }),
            ]),
            &[],
        ),
        // Frames stay out for 12 s, and once for 4 s.
        Golden::new(
            "view-lost",
            "\n[[camera.rules]]\nid = \"lost\"\nkind = \"camera_lost\"\ndwell_s = 8\n",
            Stage::of(60.0, []).gap((10.0, 22.0)).gap((40.0, 44.0)),
            &[("lost", 18.0)],
        ),
    ]
}
