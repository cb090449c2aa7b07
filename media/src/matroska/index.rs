//! Which clusters the index of a recording lists: of a long one not all, since they are kept in memory until its end, and
//! the index is written while the user waits for it.

/// Clusters that the index lists at most: of a recording of nine hours all, one a second, and of a longer one every second,
/// fourth, … cluster.
pub(super) const MAX_LISTED: usize = 32_768;

/// A cluster: its tick, and its offset in the file.
pub(super) type Cluster = (u64, u64);

/// The clusters of a recording, as far as they are to be listed.
#[derive(Debug)]
pub(super) struct Index {
    listed: Vec<Cluster>,
    /// The newest one, whether it is listed or not.
    last: Cluster,
    clusters: u64,
    /// One of so many clusters is listed.
    every: u64,
}

impl Index {
    /// An index with the first cluster.
    pub(super) fn starting(first: Cluster) -> Self {
        Self { listed: vec![first], last: first, clusters: 1, every: 1 }
    }

    /// Another cluster begins.
    pub(super) fn push(&mut self, cluster: Cluster) {
        if self.clusters.is_multiple_of(self.every) {
            if self.listed.len() == MAX_LISTED {
                self.thin_out();
            }
            self.listed.push(cluster);
        }
        self.clusters += 1;
        self.last = cluster;
    }

    /// The cluster that frames are added to.
    pub(super) fn last(&self) -> Cluster {
        self.last
    }

    /// The clusters that are listed, at equal distances.
    pub(super) fn listed(&self) -> &[Cluster] {
        &self.listed
    }

    /// The one that is listed next is an even one, as there is room for an even number.
    fn thin_out(&mut self) {
        let mut is_kept = false;
        self.listed.retain(|_| {
            is_kept = !is_kept;
            is_kept
        });
        self.every *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_recording_clusters_are_listed_at_equal_distances_and_only_so_many() {
        let cluster = |number: u64| (10_000 * number, 1 << 20 | number);
        let mut index = Index::starting(cluster(0));
        let most = MAX_LISTED as u64;
        for number in 1..10 * most {
            index.push(cluster(number));
            assert!(index.listed().len() <= MAX_LISTED);
            assert_eq!(index.last(), cluster(number));
            let every = match number {
                number if number < most => 1,
                number if number < 2 * most => 2,
                _ => continue,
            };
            assert_eq!(index.listed().len() as u64, number / every + 1);
        }
        let expected: Vec<_> = (0..10 * most).step_by(16).map(cluster).collect();
        assert_eq!(index.listed(), expected);
    }
}
