//! The arithmetic of the call budget: which calls count where, and when the next may go out.
//!
//! Pure: instants come in as durations since some origin, nothing waits here.
//!
//! A call may reach the server at any moment between its sending and its answer, so it takes a place in
//! every window from its sending until one window length after its answer. Two calls that use the same
//! place one after the other are then further apart at the server than the window is long, however the
//! server lays its windows.

use std::{collections::VecDeque, time::Duration};

/// A limit in force.
#[derive(Clone, Debug)]
struct Window {
    max: usize,
    per: Duration,
    /// Window length and a margin for clocks that run at different speeds.
    hold: Duration,
    /// Places kept back because the server said no although we had some left.
    withheld: usize,
    withheld_at: Duration,
}

impl Window {
    fn places(&self) -> usize {
        self.max.saturating_sub(self.withheld).max(1)
    }
}

/// What the server last said about the calls left, while that is less than we think.
#[derive(Clone, Copy, Debug)]
struct Told {
    left: usize,
    at: Duration,
    until: Option<Duration>,
}

/// How a call went, for the number of calls in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Answered as it should be.
    Fine,
    /// The server says there were too many.
    Limited,
    /// No answer, or the server is in trouble.
    Trouble,
}

/// Whether a call may go out.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// Now.
    Go,
    /// Not before this instant, and why.
    At(Duration, String),
    /// When another call has been answered.
    WhenAnswered,
}

/// The budget at one moment.
#[derive(Debug)]
pub struct State {
    windows: Vec<Window>,
    /// When calls were answered, oldest first, as far back as the longest window reaches.
    answered: VecDeque<Duration>,
    in_flight: usize,
    /// Calls that may be in flight together: halved in trouble, grown by one per round of good answers.
    width: f64,
    width_max: usize,
    cut_at: Option<Duration>,
    paused: Option<(Duration, String)>,
    told: Option<Told>,
}

impl State {
    /// A budget with no call made. Windows are (most calls, length).
    pub fn new(windows: &[(u64, Duration)], in_flight: usize) -> State {
        State {
            windows: windows
                .iter()
                .map(|(max, per)| Window {
                    max: usize::try_from(*max).unwrap_or(usize::MAX).max(1),
                    per: *per,
                    hold: *per + *per / 1000 + Duration::from_millis(5),
                    withheld: 0,
                    withheld_at: Duration::ZERO,
                })
                .collect(),
            answered: VecDeque::new(),
            in_flight: 0,
            width: in_flight.max(1) as f64,
            width_max: in_flight.max(1),
            cut_at: None,
            paused: None,
            told: None,
        }
    }

    /// The longest window.
    pub fn longest(&self) -> Option<Duration> {
        self.windows.iter().map(|w| w.per).max()
    }

    /// Answered calls that still count in a window: where they begin in `answered`.
    fn begin(&self, hold: Duration, now: Duration) -> usize {
        self.answered.partition_point(|t| *t + hold <= now)
    }

    fn used(&self, hold: Duration, now: Duration) -> usize {
        self.in_flight + self.answered.len() - self.begin(hold, now)
    }

    /// Whether a call may go out now, and if not, when to ask again.
    pub fn turn(&mut self, now: Duration) -> Turn {
        if self.in_flight as f64 + 1.0 > self.width.max(1.0) {
            return Turn::WhenAnswered;
        }
        let mut latest: Option<(Duration, String)> = None;
        let mut later = |at: Duration, why: String| {
            if latest.as_ref().is_none_or(|(t, _)| *t < at) {
                latest = Some((at, why));
            }
        };
        if let Some((until, why)) = &self.paused
            && *until > now
        {
            later(*until, why.clone());
        }
        for w in &self.windows {
            let begin = self.begin(w.hold, now);
            let used = self.in_flight + self.answered.len() - begin;
            if used >= w.places() {
                // The oldest ones that must fall out of the window first.
                match self.answered.get(begin + (used - w.places())) {
                    Some(oldest) => later(
                        *oldest + w.hold,
                        format!("{} calls in {} are used up", w.places(), words(w.per)),
                    ),
                    None => return Turn::WhenAnswered,
                }
            }
        }
        if let Some(told) = self.told {
            match told.until {
                Some(until) if until <= now => self.told = None,
                until if self.in_flight >= told.left => {
                    if self.in_flight > 0 {
                        return Turn::WhenAnswered;
                    }
                    // Without a moment of reset a single call asks now and then.
                    let again = until.unwrap_or_else(|| told.at + self.ask_again());
                    if again > now {
                        later(again, "the server says no calls are left".to_owned());
                    }
                }
                _ => {}
            }
        }
        match latest {
            Some((at, why)) => Turn::At(at, why),
            None => Turn::Go,
        }
    }

    fn ask_again(&self) -> Duration {
        (self.longest().unwrap_or(Duration::from_secs(60)) / 20).max(Duration::from_secs(1))
    }

    /// Notes that a call goes out.
    pub fn sent(&mut self) {
        self.in_flight += 1;
    }

    /// Takes back a call that never reached the server.
    pub fn unsent(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Notes that a call has been answered, or will not be.
    ///
    /// `left`: the calls left as its answer said; `reset_in`: when the server counts anew.
    pub fn answered(
        &mut self,
        now: Duration,
        sent_at: Duration,
        signal: Signal,
        left: Option<u64>,
        reset_in: Option<Duration>,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if !self.windows.is_empty() {
            self.insert(now);
            self.trim(now);
        }
        match signal {
            Signal::Fine => {
                self.width = (self.width + 1.0 / self.width).min(self.width_max as f64);
                for w in &mut self.windows {
                    if w.withheld > 0 && now >= w.withheld_at + w.per {
                        w.withheld = 0;
                    }
                }
            }
            Signal::Limited | Signal::Trouble => {
                // Calls of the same burst fail together and count once.
                if self.cut_at.is_none_or(|at| sent_at >= at) {
                    self.width = (self.width / 2.0).max(1.0);
                    self.cut_at = Some(now);
                    if signal == Signal::Limited {
                        self.withhold(now);
                    }
                }
            }
        }
        match left {
            Some(left) => self.told(now, sent_at, left, reset_in),
            None => {
                if let Some(told) = &mut self.told {
                    told.left = told.left.saturating_sub(1);
                    if told.left == 0 {
                        told.at = now;
                    }
                }
            }
        }
    }

    fn insert(&mut self, at: Duration) {
        let place = self.answered.partition_point(|t| *t <= at);
        self.answered.insert(place, at);
    }

    fn trim(&mut self, now: Duration) {
        let longest = self.windows.iter().map(|w| w.hold).max();
        let old = self.begin(longest.unwrap_or_default(), now);
        self.answered.drain(..old);
    }

    /// The server said no: where a window is nearly full by our own count, its true size is a bit smaller
    /// (other integrations, calls that count double). A twentieth is kept back for one window length.
    fn withhold(&mut self, now: Duration) {
        let fullest = (0..self.windows.len()).max_by(|a, b| {
            let share = |i: usize| {
                let w = &self.windows[i];
                self.used(w.hold, now) as f64 / w.max as f64
            };
            share(*a).total_cmp(&share(*b))
        });
        let Some(at) = fullest else { return };
        let used = self.used(self.windows[at].hold, now);
        let w = &mut self.windows[at];
        if used.saturating_mul(5) >= w.max.saturating_mul(4) {
            w.withheld = (w.withheld + (w.max / 20).max(1)).min(w.max / 2);
            w.withheld_at = now;
        }
    }

    fn told(&mut self, now: Duration, sent_at: Duration, left: u64, reset_in: Option<Duration>) {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        // Answers overtake each other. More calls left than before is only news from a call that was sent
        // after the earlier answer had come.
        if let Some(told) = self.told
            && left > told.left
            && sent_at < told.at
            && told.until.is_none_or(|until| until > now)
        {
            return;
        }
        let ours = self
            .windows
            .iter()
            .map(|w| w.places().saturating_sub(self.used(w.hold, now)))
            .min();
        self.told = if ours.is_some_and(|ours| left >= ours) {
            None
        } else {
            Some(Told {
                left,
                at: now,
                until: reset_in.map(|r| now + r),
            })
        };
    }

    /// Nobody sends before this instant.
    pub fn pause(&mut self, until: Duration, why: &str) {
        if self.paused.as_ref().is_none_or(|(t, _)| *t < until) {
            self.paused = Some((until, why.to_owned()));
        }
    }

    /// Until the next place comes free in a window that is at least nine tenths full by our own count.
    pub fn frees_in(&self, now: Duration) -> Option<Duration> {
        self.windows
            .iter()
            .filter(|w| self.used(w.hold, now).saturating_mul(10) >= w.max.saturating_mul(9))
            .filter_map(|w| {
                let oldest = self.answered.get(self.begin(w.hold, now))?;
                Some((*oldest + w.hold).saturating_sub(now))
            })
            .max()
    }

    /// Calls that still count, as instants; those in flight count as answered now.
    pub fn spent(&self, now: Duration) -> impl Iterator<Item = Duration> + '_ {
        self.answered
            .iter()
            .copied()
            .chain(std::iter::repeat_n(now, self.in_flight))
    }

    /// Adds calls that another process made, answered at that instant.
    pub fn add_spent(&mut self, at: Duration, calls: u64, now: Duration) {
        let longest = self.windows.iter().map(|w| w.hold).max();
        let most = self.windows.iter().map(|w| w.max).max().unwrap_or(0);
        if longest.is_none_or(|hold| at + hold <= now) {
            return;
        }
        // More than a window holds changes nothing.
        let calls = usize::try_from(calls).unwrap_or(usize::MAX).min(most);
        let place = self.answered.partition_point(|t| *t <= at);
        let tail = self.answered.split_off(place);
        self.answered.extend(std::iter::repeat_n(at, calls));
        self.answered.extend(tail);
    }
}

/// A length of time as people write it: `1h`, `90s`, `250ms`.
pub fn words(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => "0s".to_owned(),
        m if m % 3_600_000 == 0 => format!("{}h", m / 3_600_000),
        m if m % 60_000 == 0 => format!("{}m", m / 60_000),
        m if m % 1000 == 0 => format!("{}s", m / 1000),
        m if m > 10_000 => format!("{}s", m / 1000),
        m => format!("{m}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn go(state: &mut State, now: u64) -> bool {
        state.turn(ms(now)) == Turn::Go
    }

    fn call(state: &mut State, sent: u64, back: u64, left: Option<u64>, reset: Option<u64>) {
        assert!(go(state, sent), "at {sent}: {:?}", state.turn(ms(sent)));
        state.sent();
        state.answered(ms(back), ms(sent), Signal::Fine, left, reset.map(ms));
    }

    #[test]
    fn a_place_comes_free_one_window_after_the_answer() {
        let mut s = State::new(&[(2, ms(1000))], 8);
        call(&mut s, 0, 100, None, None);
        call(&mut s, 50, 300, None, None);
        assert_eq!(
            s.turn(ms(400)),
            Turn::At(ms(1106), "2 calls in 1s are used up".to_owned())
        );
        assert!(!go(&mut s, 1105));
        assert!(go(&mut s, 1106));
        s.sent();
        assert!(matches!(s.turn(ms(1200)), Turn::At(at, _) if at == ms(1306)));
    }

    #[test]
    fn a_call_without_an_answer_keeps_its_place() {
        let mut s = State::new(&[(1, ms(1000))], 8);
        s.sent();
        assert_eq!(s.turn(ms(90_000)), Turn::WhenAnswered);
        s.unsent();
        assert!(go(&mut s, 90_000));
    }

    #[test]
    fn every_window_must_have_a_place() {
        let mut s = State::new(&[(3, ms(10_000)), (2, ms(1000))], 8);
        call(&mut s, 0, 0, None, None);
        call(&mut s, 0, 0, None, None);
        assert!(matches!(s.turn(ms(500)), Turn::At(at, _) if at == ms(1006)));
        call(&mut s, 1006, 1006, None, None);
        assert!(matches!(s.turn(ms(2100)), Turn::At(at, _) if at == ms(10_015)));
    }

    #[test]
    fn fewer_calls_left_than_we_think_are_obeyed_until_the_reset() {
        let mut s = State::new(&[(100, ms(10_000))], 8);
        call(&mut s, 0, 10, Some(1), Some(5000));
        call(&mut s, 20, 30, Some(0), Some(4980));
        assert!(
            matches!(s.turn(ms(40)), Turn::At(at, why) if at == ms(5010) && why.contains("server says"))
        );
        assert!(go(&mut s, 5010));
    }

    #[test]
    fn our_own_calls_alone_do_not_set_a_lower_limit() {
        let mut s = State::new(&[(3, ms(1000))], 8);
        call(&mut s, 0, 10, Some(2), None);
        call(&mut s, 10, 20, Some(1), None);
        call(&mut s, 20, 30, Some(0), None);
        // Only our own window holds us back: the server counts what we count.
        assert!(matches!(s.turn(ms(40)), Turn::At(at, _) if at == ms(1016)));
        assert!(go(&mut s, 1016));
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_raise_what_is_left() {
        let mut s = State::new(&[(100, ms(10_000))], 8);
        s.sent();
        s.sent();
        s.answered(ms(30), ms(10), Signal::Fine, Some(0), Some(ms(5000)));
        s.answered(ms(40), ms(0), Signal::Fine, Some(1), Some(ms(5000)));
        assert!(!go(&mut s, 50));
        // A call sent later does.
        let mut s = State::new(&[(100, ms(10_000))], 8);
        call(&mut s, 0, 10, Some(1), Some(5000));
        call(&mut s, 20, 30, Some(50), Some(5000));
        for at in 40..60 {
            call(&mut s, at, at, None, None);
        }
    }

    #[test]
    fn calls_in_flight_are_taken_from_what_is_left() {
        let mut s = State::new(&[(100, ms(10_000))], 8);
        call(&mut s, 0, 10, Some(2), Some(5000));
        s.sent();
        assert!(go(&mut s, 20));
        s.sent();
        assert_eq!(s.turn(ms(20)), Turn::WhenAnswered);
    }

    #[test]
    fn without_a_reset_one_call_asks_now_and_then() {
        let mut s = State::new(&[(100, ms(60_000))], 8);
        call(&mut s, 0, 10, Some(0), None);
        assert!(matches!(s.turn(ms(20)), Turn::At(at, _) if at == ms(3010)));
        assert!(go(&mut s, 3010));
        s.sent();
        assert_eq!(s.turn(ms(3010)), Turn::WhenAnswered);
        s.answered(ms(3020), ms(3010), Signal::Limited, None, None);
        assert!(!go(&mut s, 3030));
    }

    #[test]
    fn trouble_halves_the_calls_in_flight_once_per_burst() {
        let mut s = State::new(&[], 8);
        for _ in 0..8 {
            s.sent();
        }
        assert_eq!(s.turn(ms(0)), Turn::WhenAnswered);
        for _ in 0..8 {
            s.answered(ms(10), ms(0), Signal::Trouble, None, None);
        }
        for _ in 0..4 {
            assert!(go(&mut s, 20));
            s.sent();
        }
        assert_eq!(s.turn(ms(20)), Turn::WhenAnswered);
        for _ in 0..4 {
            s.answered(ms(30), ms(20), Signal::Fine, None, None);
        }
        assert!(s.width > 4.5 && s.width < 5.5, "{}", s.width);
    }

    #[test]
    fn too_many_in_a_nearly_full_window_shrinks_it_for_one_length() {
        let mut s = State::new(&[(20, ms(1000))], 8);
        for _ in 0..18 {
            call(&mut s, 0, 0, None, None);
        }
        s.sent();
        s.answered(ms(1), ms(0), Signal::Limited, None, None);
        assert!(!go(&mut s, 2), "19 places of 20 are left and used");
        assert_eq!(s.frees_in(ms(2)), Some(ms(1004)));
        call(&mut s, 1010, 1010, None, None);
        assert_eq!(s.windows[0].withheld, 0);
    }

    #[test]
    fn a_pause_holds_everybody_and_the_longer_one_wins() {
        let mut s = State::new(&[], 8);
        s.pause(ms(500), "asked to wait");
        s.pause(ms(200), "less");
        assert_eq!(s.turn(ms(0)), Turn::At(ms(500), "asked to wait".to_owned()));
        assert!(go(&mut s, 500));
    }

    #[test]
    fn calls_of_an_earlier_process_count() {
        let mut s = State::new(&[(3, ms(1000))], 8);
        s.add_spent(ms(9000), 5, ms(10_500));
        assert!(go(&mut s, 10_500), "too long ago");
        s.add_spent(ms(10_000), u64::MAX, ms(10_500));
        assert!(matches!(s.turn(ms(10_500)), Turn::At(at, _) if at == ms(11_006)));
        assert_eq!(s.spent(ms(10_500)).count(), 3);
    }
}
