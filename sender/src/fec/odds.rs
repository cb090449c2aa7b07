//! How many datagrams of a frame are lost, when so many are lost of all.

/// Beyond so many bursts in a frame their number is taken for its mean and deviation: e^-600 is still a number, and a
/// sum of so many terms is as good as normal.
const MOST_BURSTS: f64 = 600.0;

/// What is enough where only mean and deviation are known: of a normal distribution, three in a hundred thousand lie
/// beyond four deviations.
const DEVIATIONS: f64 = 4.0;

/// The fewest parity segments at which `is_enough`, at most `most`. It is told how likely more are lost, and how many
/// more on average, than there is parity for. Of the frame `mean` segments are lost on average, in bursts of `burst` on
/// average, which is 1 or more.
///
/// Losses are taken for bursts that begin independently of each other and have geometrically distributed lengths: the
/// Pólya–Aeppli distribution (Johnson, Kemp and Kotz, Univariate Discrete Distributions, section 9.7), which for bursts
/// of 1 is Poisson's.
pub(super) fn fewest(mean: f64, burst: f64, most: usize, is_enough: impl Fn(f64, f64) -> bool) -> usize {
    let going_on = 1.0 - 1.0 / burst.max(1.0);
    let bursts = mean * (1.0 - going_on);
    if bursts > MOST_BURSTS {
        let deviation = (mean * (1.0 + going_on) / (1.0 - going_on)).sqrt();
        return ((mean + DEVIATIONS * deviation).ceil() as usize).min(most);
    }
    // How likely exactly m are lost, and m - 1; no more than m; and how many more than m on average.
    let (mut exactly, mut before) = ((-bursts).exp(), 0.0);
    let (mut up_to, mut beyond) = (exactly, mean);
    for m in 0..most {
        if is_enough((1.0 - up_to).max(0.0), beyond) {
            return m;
        }
        beyond = (beyond - (1.0 - up_to)).max(0.0);
        let n = (m + 1) as f64;
        let next = ((2.0 * (n - 1.0) * going_on + bursts * (1.0 - going_on)) * exactly
            - (n - 2.0) * going_on * going_on * before)
            / n;
        (before, exactly) = (exactly, next.max(0.0));
        up_to += exactly;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How likely more than `m` are lost, and how many more on average, by drawing.
    fn drawn(mean: f64, burst: f64, m: usize) -> (f64, f64) {
        let mut random = Xorshift(7);
        let segments = 1000.0;
        let (begins, goes_on) = (mean / burst / segments, 1.0 - 1.0 / burst);
        let (mut more, mut excess) = (0.0, 0.0);
        const FRAMES: usize = 20_000;
        for _ in 0..FRAMES {
            let mut lost = 0;
            for _ in 0..segments as usize {
                if random.next() < begins {
                    lost += 1;
                    while random.next() < goes_on {
                        lost += 1;
                    }
                }
            }
            if lost > m {
                more += 1.0;
                excess += (lost - m) as f64;
            }
        }
        (more / FRAMES as f64, excess / FRAMES as f64)
    }

    struct Xorshift(u64);

    impl Xorshift {
        /// From 0 to 1.
        fn next(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    #[test]
    fn what_is_computed_is_what_is_drawn() {
        for (mean, burst) in [(1.0, 1.0), (6.0, 1.0), (6.0, 4.0), (20.0, 8.0)] {
            for m in [0, 3, 10] {
                let computed = std::cell::Cell::new((0.0, 0.0));
                let seen = std::cell::Cell::new(0);
                fewest(mean, burst, m + 1, |more, excess| {
                    computed.set((more, excess));
                    seen.replace(seen.get() + 1) == m
                });
                let ((more, excess), (drawn_more, drawn_excess)) = (computed.get(), drawn(mean, burst, m));
                assert!((more - drawn_more).abs() < 0.02, "{mean} {burst} {m}: {more} {drawn_more}");
                assert!((excess - drawn_excess).abs() < 0.03 * mean, "{mean} {burst} {m}: {excess} {drawn_excess}");
            }
        }
    }

    #[test]
    fn more_loss_longer_bursts_and_higher_demands_take_more() {
        let rarely = |mean, burst| fewest(mean, burst, 10_000, |more, _| more <= 1e-4);
        assert_eq!(rarely(0.0, 1.0), 0);
        assert!(rarely(1.0, 1.0) < rarely(6.0, 1.0) && rarely(6.0, 1.0) < rarely(6.0, 4.0));
        assert!(fewest(6.0, 1.0, 100, |more, _| more <= 1e-2) < rarely(6.0, 1.0));
        assert_eq!(fewest(6.0, 1.0, 5, |_, _| false), 5);
        // Where the sum is not computed any more, it is much the same.
        let (below, above) = (rarely(599.0, 1.0), rarely(601.0, 1.0));
        assert!((650..750).contains(&below) && (650..750).contains(&above), "{below} {above}");
    }
}
