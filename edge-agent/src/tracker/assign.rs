//! Optimal assignment: which pairs make the greatest sum of similarity.
//!
//! Only pairs that touch are given, so the problem falls apart into small groups; each is solved by the
//! Hungarian method with potentials and shortest augmenting paths (Kuhn; Jonker & Volgenant 1987), O(n³) in the
//! group's size.

/// The pairs `(row, column)` that together have the greatest similarity, by row. `edges` are
/// `(row, column, similarity > 0)`; what is not listed never pairs.
pub fn best_pairs(rows: usize, columns: usize, edges: &[(usize, usize, f32)]) -> Vec<(usize, usize)> {
    let mut group: Vec<usize> = (0..rows + columns).collect();
    for &(r, c, _) in edges {
        let (a, b) = (root(&mut group, r), root(&mut group, rows + c));
        group[a.max(b)] = a.min(b);
    }
    let mut by_group: Vec<(usize, usize, usize, f32)> =
        edges.iter().map(|&(r, c, s)| (root(&mut group, r), r, c, s)).collect();
    by_group.sort_by_key(|&(g, r, c, _)| (g, r, c));
    let mut pairs: Vec<_> = by_group.chunk_by(|a, b| a.0 == b.0).flat_map(solve_group).collect();
    pairs.sort_unstable();
    pairs
}

fn root(group: &mut [usize], mut i: usize) -> usize {
    while group[i] != i {
        group[i] = group[group[i]];
        i = group[i];
    }
    i
}

fn solve_group(edges: &[(usize, usize, usize, f32)]) -> Vec<(usize, usize)> {
    if let [(_, r, c, _)] = edges {
        return vec![(*r, *c)];
    }
    let sorted = |mut v: Vec<usize>| {
        v.sort_unstable();
        v.dedup();
        v
    };
    let rows = sorted(edges.iter().map(|e| e.1).collect());
    let columns = sorted(edges.iter().map(|e| e.2).collect());
    // The method wants no more rows than columns.
    let turned = rows.len() > columns.len();
    let (short, long) = if turned { (&columns, &rows) } else { (&rows, &columns) };
    let mut similarity = vec![0.0_f64; short.len() * long.len()];
    for &(_, r, c, s) in edges {
        let (a, b) = if turned { (c, r) } else { (r, c) };
        let place = |list: &[usize], v: usize| list.binary_search(&v).expect("lists hold every edge's ends");
        similarity[place(short, a) * long.len() + place(long, b)] = f64::from(s);
    }
    let chosen = hungarian(short.len(), long.len(), &similarity);
    let paired = chosen.iter().enumerate().filter(|&(a, &b)| similarity[a * long.len() + b] > 0.0);
    paired.map(|(a, &b)| if turned { (long[b], short[a]) } else { (short[a], long[b]) }).collect()
}

/// For each of `n` rows its column, all different, with the greatest sum; `n <= m`, row-major `n × m`.
fn hungarian(n: usize, m: usize, similarity: &[f64]) -> Vec<usize> {
    // Rows and columns count from 1; column 0 is where an augmenting path starts.
    let mut row_potential = vec![0.0; n + 1];
    let mut column_potential = vec![0.0; m + 1];
    let mut row_of = vec![0; m + 1];
    for row in 1..=n {
        row_of[0] = row;
        let mut reached = vec![false; m + 1];
        let mut cheapest = vec![f64::INFINITY; m + 1];
        let mut came_from = vec![0; m + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            reached[column] = true;
            let r = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for c in (1..=m).filter(|&c| !reached[c]) {
                let cost = 1.0 - similarity[(r - 1) * m + c - 1] - row_potential[r] - column_potential[c];
                if cost < cheapest[c] {
                    (cheapest[c], came_from[c]) = (cost, column);
                }
                if cheapest[c] < step {
                    (step, next) = (cheapest[c], c);
                }
            }
            for c in 0..=m {
                if reached[c] {
                    row_potential[row_of[c]] += step;
                    column_potential[c] -= step;
                } else {
                    cheapest[c] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            let before = came_from[column];
            row_of[column] = row_of[before];
            column = before;
        }
    }
    let mut column_of = vec![0; n];
    for c in 1..=m {
        if row_of[c] != 0 {
            column_of[row_of[c] - 1] = c - 1;
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Greedy would take 0.9 and leave 0.1; together 0.8 + 0.7 is more.
    #[test]
    fn the_sum_counts_not_the_single_best() {
        let edges = [(0, 0, 0.9), (0, 1, 0.8), (1, 0, 0.7), (1, 1, 0.1)];
        assert_eq!(best_pairs(2, 2, &edges), [(0, 1), (1, 0)]);
    }

    /// Best sum by trying everything.
    fn brute(edges: &[(usize, usize, f32)], rows: usize, row: usize, used: u32) -> f32 {
        if row == rows {
            return 0.0;
        }
        let skip = brute(edges, rows, row + 1, used);
        let take = edges.iter().filter(|e| e.0 == row && used & (1 << e.1) == 0);
        take.map(|e| e.2 + brute(edges, rows, row + 1, used | (1 << e.1))).fold(skip, f32::max)
    }

    proptest! {
        /// Always a matching, and never a worse one than trying everything finds.
        #[test]
        fn as_good_as_brute_force(
            rows in 1_usize..6,
            columns in 1_usize..6,
            cells in prop::collection::vec(prop::option::of(1_u8..100), 36),
        ) {
            let mut edges = Vec::new();
            for r in 0..rows {
                for c in 0..columns {
                    edges.extend(cells[r * 6 + c].map(|s| (r, c, f32::from(s) / 100.0)));
                }
            }
            let pairs = best_pairs(rows, columns, &edges);
            let mut seen_columns: Vec<_> = pairs.iter().map(|p| p.1).collect();
            seen_columns.sort_unstable();
            seen_columns.dedup();
            prop_assert_eq!(seen_columns.len(), pairs.len());
            prop_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0));
            let sum: f32 = pairs.iter().map(|&(r, c)| {
                edges.iter().find(|e| (e.0, e.1) == (r, c)).expect("only given pairs").2
            }).sum();
            prop_assert!((sum - brute(&edges, rows, 0, 0)).abs() < 1e-4);
        }
    }
}
