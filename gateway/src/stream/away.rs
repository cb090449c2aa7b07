//! Why an input is away, and what people were told of it.

use std::time::{Duration, Instant};

/// The same reason is said again after so long.
const SAID_FOR: Duration = Duration::from_secs(60);

/// Why an input is away, if it is, and what people were told of it.
#[derive(Debug, Default)]
pub(super) struct Away {
    because: Option<String>,
    /// Whether people were told of this time.
    is_said: bool,
    /// The reason that they were told last, and when.
    said: Option<(String, Instant)>,
}

impl Away {
    /// It is away, or still is, for this reason. Gives whether that is to be said: once each time, and for the same reason
    /// once a minute.
    pub(super) fn is_news(&mut self, reason: &str, now: Instant) -> bool {
        self.is_said &= self.because.is_some();
        self.because = Some(reason.to_owned());
        let is_old = |(said, at): &(String, Instant)| said == reason && now.saturating_duration_since(*at) < SAID_FOR;
        if self.is_said || self.said.as_ref().is_some_and(is_old) {
            return false;
        }
        self.said = Some((reason.to_owned(), now));
        self.is_said = true;
        true
    }

    /// It is away, or still is, for this reason, which somebody else tells people, and also when it is back.
    pub(super) fn is_told_of(&mut self, reason: &str) {
        self.is_said &= self.because.is_some();
        self.because = Some(reason.to_owned());
    }

    /// It is back. Gives why it was away, and whether people were told that it was.
    pub(super) fn is_back(&mut self) -> Option<(String, bool)> {
        self.because.take().map(|reason| (reason, self.is_said))
    }

    pub(super) fn because(&self) -> Option<&str> {
        self.because.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_away_is_said_once_also_where_it_was_said_a_moment_before() {
        let (start, mut away) = (Instant::now(), Away::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(away.is_news("cut off", at(0)));
        assert!(!away.is_news("refused", at(1)), "it is away already");
        assert_eq!(away.is_back(), Some(("refused".to_owned(), true)));
        // It flickers.
        assert!(!away.is_news("cut off", at(10)));
        assert_eq!(away.is_back(), Some(("cut off".to_owned(), false)), "nor that it is back");
        // It stays away.
        assert!(!away.is_news("cut off", at(20)));
        assert!(!away.is_news("cut off", at(59)));
        assert!(away.is_news("cut off", at(60)));
        assert!(!away.is_news("cut off", at(200)));
        assert_eq!(away.is_back(), Some(("cut off".to_owned(), true)));
        assert_eq!(away.is_back(), None);
        assert!(away.is_news("worn out", at(201)), "another reason");
    }

    #[test]
    fn of_what_somebody_else_tells_people_it_is_not_said_that_it_is_back() {
        let (now, mut away) = (Instant::now(), Away::default());
        away.is_told_of("refused");
        assert_eq!(away.because(), Some("refused"));
        assert_eq!(away.is_back(), Some(("refused".to_owned(), false)));
        away.is_told_of("refused");
        assert!(away.is_news("nothing comes", now));
        away.is_told_of("refused");
        assert_eq!(away.is_back(), Some(("refused".to_owned(), true)));
    }
}
