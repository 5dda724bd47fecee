//! Times of a clip's units. Pure.
//!
//! Units come in decoding order with presentation times only: over RTSP, a stream with B-frames carries no
//! decoding times, and what muxers and timestampers guess steps backwards. With the whole clip at hand
//! there is nothing to guess: the n-th unit is decoded at the n-th smallest presentation time, and every
//! presentation is put off by the most that any unit would otherwise come too late.

/// One unit's times from the start of the clip, in microseconds: `dts <= pts`, `dts` rises strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) pts_us: i64,
    pub(super) dts_us: i64,
    /// Until the next decoding time; the last one's until every picture has been shown: the durations add up to the
    /// length of the file, and players show nothing after that.
    pub(super) duration_us: i64,
}

/// `presented_us`: presentation times in decoding order.
pub(super) fn times(presented_us: &[i64]) -> Vec<Times> {
    let mut order: Vec<usize> = (0..presented_us.len()).collect();
    order.sort_by_key(|i| (presented_us[*i], *i));
    // Two units at one moment (a camera's flaw) are moved apart: a player drops one of them otherwise.
    let mut presented = presented_us.to_vec();
    for pair in 1..order.len() {
        let earliest = presented[order[pair - 1]] + 1_000;
        presented[order[pair]] = presented[order[pair]].max(earliest);
    }
    let start = order.first().map_or(0, |i| presented[*i]);
    let decoded: Vec<i64> = order.iter().map(|i| presented[*i] - start).collect();
    let late = |(d, p): (&i64, &i64)| d - (p - start);
    let delay = decoded.iter().zip(&presented).map(late).max().unwrap_or(0).max(0);
    let usual = match decoded.len() {
        0 | 1 => 40_000,
        count => decoded[count - 1] / (count as i64 - 1),
    };
    let shown = decoded.last().map_or(0, |latest| latest + delay + usual);
    let until = |i: usize| decoded.get(i + 1).copied().unwrap_or(shown);
    (0..presented.len())
        .map(|i| Times {
            pts_us: presented[i] - start + delay,
            dts_us: decoded[i],
            duration_us: until(i) - decoded[i],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// I P B B P B B at 40 ms: one place of reordering puts every presentation off by one picture.
    #[test]
    fn b_frames_by_hand() {
        let timed = times(&[0, 120_000, 40_000, 80_000, 240_000, 160_000, 200_000]);
        let dts: Vec<_> = timed.iter().map(|t| t.dts_us / 40_000).collect();
        let pts: Vec<_> = timed.iter().map(|t| t.pts_us / 40_000).collect();
        assert_eq!(dts, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(pts, [1, 4, 2, 3, 7, 5, 6]);
        let length: i64 = timed.iter().map(|t| t.duration_us).sum();
        assert_eq!(length / 40_000, 8, "the last picture has its time");
    }

    /// Without reordering nothing is put off.
    #[test]
    fn plain_streams_keep_their_times() {
        let timed = times(&[500, 40_500, 80_500]);
        assert!(timed.iter().all(|t| t.pts_us == t.dts_us));
        assert_eq!(timed[2], Times { pts_us: 80_000, dts_us: 80_000, duration_us: 40_000 });
        assert_eq!(times(&[]), []);
    }

    proptest! {
        /// Whatever a camera sends, decoding times rise and no unit is shown before it is decoded.
        #[test]
        fn always_in_order(presented in proptest::collection::vec(0_i64..10_000_000, 0..200)) {
            let timed = times(&presented);
            prop_assert!(timed.windows(2).all(|w| w[0].dts_us < w[1].dts_us));
            prop_assert!(timed.iter().all(|t| t.dts_us >= 0 && t.dts_us <= t.pts_us && t.duration_us > 0));
            let length: i64 = timed.iter().map(|t| t.duration_us).sum();
            prop_assert!(timed.iter().all(|t| t.pts_us < length), "shown before the file is over");
        }
    }
}
