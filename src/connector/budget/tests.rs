//! The budget on a clock that runs as fast as the test: never too many calls in any window of the server,
//! hardly any place left unused while work waits.

use super::*;
use crate::platform::{CallLimit, Tiered};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::{task::JoinSet, time::Instant};

/// Follows the runtime's clock, which jumps to the next timer when everybody waits.
struct Fast(Instant);

impl Fast {
    fn new() -> Arc<Fast> {
        Arc::new(Fast(Instant::now()))
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn limits(calls: &[(u64, u64)], in_flight: usize) -> Limits {
    Limits {
        calls: calls
            .iter()
            .map(|(max, secs)| CallLimit {
                max: Tiered::All(*max),
                per: Duration::from_secs(*secs),
            })
            .collect(),
        in_flight,
        ..Limits::default()
    }
}

fn budget(calls: &[(u64, u64)], in_flight: usize) -> Budget {
    let hour = Duration::from_secs(3700);
    Budget::new(
        &limits(calls, in_flight),
        None,
        OurLimits::default(),
        Fast::new(),
        hour,
        None,
    )
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

async fn one(budget: &Budget) {
    let permit = budget.acquire(&Cancel::new()).await.unwrap();
    permit.answered(Signal::Fine, &Notice::default());
}

/// Ten tasks make `total` calls; each takes `latency(n)` milliseconds, of which the first `share(n)` per mille
/// pass before it arrives. Gives the arrivals in order and the time it took, in microseconds.
fn arrivals(
    budget: impl FnOnce() -> Budget,
    total: u64,
    latency: impl Fn(u64) -> u64 + Send + Sync + 'static,
    share: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> (Vec<u128>, u128) {
    run(async move {
        let budget = budget();
        let begun = Instant::now();
        let (next, seen) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (latency, share) = (Arc::new(latency), Arc::new(share));
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let (budget, next, seen) = (budget.clone(), Arc::clone(&next), Arc::clone(&seen));
            let (latency, share) = (Arc::clone(&latency), Arc::clone(&share));
            tasks.spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return;
                    }
                    let permit = budget.acquire(&Cancel::new()).await.unwrap();
                    let whole = Duration::from_millis(latency(n));
                    let before = whole * u32::try_from(share(n)).unwrap() / 1000;
                    tokio::time::sleep(before).await;
                    seen.lock().unwrap().push(begun.elapsed().as_micros());
                    tokio::time::sleep(whole - before).await;
                    permit.answered(Signal::Fine, &Notice::default());
                }
            });
        }
        tasks.join_all().await;
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_unstable();
        (seen, begun.elapsed().as_micros())
    })
}

/// The most arrivals in any span of that length (half open), and in any span aligned to a clock.
fn fullest(seen: &[u128], per: Duration) -> usize {
    let per = per.as_micros();
    let rolling = (0..seen.len())
        .map(|i| seen[i..].partition_point(|t| *t < seen[i] + per))
        .max()
        .unwrap_or(0);
    let aligned = (0..7)
        .flat_map(|phase| {
            let mut counts = BTreeMap::new();
            for t in seen {
                *counts.entry((t + phase * per / 7) / per).or_insert(0usize) += 1;
            }
            counts.into_values()
        })
        .max()
        .unwrap_or(0);
    assert!(aligned <= rolling);
    rolling
}

#[test]
fn two_hundred_a_minute_are_used_and_never_exceeded() {
    let (seen, took) = arrivals(
        || budget(&[(200, 60)], 8),
        1000,
        |n| 40 + n * 37 % 300,
        |n| n * 61 % 1001,
    );
    assert_eq!(seen.len(), 1000);
    assert_eq!(fullest(&seen, Duration::from_secs(60)), 200);
    // The last fifth may go out after four minutes; less than five in a hundred more is waste.
    assert!(took < 252_000_000, "took {took} us");
}

#[test]
fn hour_and_minute_hold_together() {
    let (seen, took) = arrivals(
        || budget(&[(1000, 3600), (400, 60)], 8),
        2600,
        |_| 150,
        |n| n * 61 % 1001,
    );
    assert_eq!(fullest(&seen, Duration::from_secs(60)), 400);
    assert_eq!(fullest(&seen, Duration::from_secs(3600)), 1000);
    let ideal = (2 * 3600 + 60) * 1_000_000;
    assert!(took < ideal * 102 / 100, "took {took} us");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_window_is_ever_exceeded(
        max in 1u64..30,
        secs in 1u64..5,
        second in prop::option::of((1u64..60, 5u64..20)),
        in_flight in 1usize..12,
        seed in any::<u64>(),
        slow in 1u64..1500,
    ) {
        let windows: Vec<_> = std::iter::once((max, secs)).chain(second).collect();
        let noise = move |n: u64, salt: u64| (n ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(20) ^ salt;
        let calls = windows.clone();
        let (seen, _) = arrivals(
            move || budget(&calls, in_flight),
            120,
            move |n| noise(n, 1) % slow,
            move |n| noise(n, 2) % 1001,
        );
        prop_assert_eq!(seen.len(), 120);
        for (max, secs) in windows {
            let most = fullest(&seen, Duration::from_secs(secs));
            prop_assert!(most as u64 <= max, "{} in {} s, {} allowed", most, secs, max);
        }
    }
}

#[test]
fn who_comes_first_goes_first() {
    let order = run(async {
        let budget = budget(&[(1, 10)], 4);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for n in 0..5 {
            let (budget, order) = (budget.clone(), Arc::clone(&order));
            tasks.spawn(async move {
                tokio::time::sleep(Duration::from_millis(n)).await;
                one(&budget).await;
                order.lock().unwrap().push(n);
            });
        }
        tasks.join_all().await;
        order.lock().unwrap().clone()
    });
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[test]
fn our_own_hour_holds_beside_the_limits_of_the_platform() {
    let (seen, _) = arrivals(
        || {
            Budget::new(
                &limits(&[(400, 60)], 8),
                None,
                OurLimits {
                    per_hour: Some(100),
                    ..OurLimits::default()
                },
                Fast::new(),
                Duration::from_secs(3700),
                None,
            )
        },
        250,
        |_| 150,
        |n| n * 61 % 1001,
    );
    assert_eq!(fullest(&seen, Duration::from_secs(3600)), 100);
}

#[test]
fn waiting_is_reported_once_and_counted() {
    run(async {
        let said = Arc::new(Mutex::new(Vec::new()));
        let budget = Budget::new(
            &limits(&[(2, 30)], 4),
            None,
            OurLimits::default(),
            Fast::new(),
            Duration::from_secs(60),
            Some(Arc::new({
                let said = Arc::clone(&said);
                move |wait: Duration, why: &str| {
                    said.lock().unwrap().push((wait.as_secs(), why.to_owned()));
                }
            })),
        );
        for _ in 0..3 {
            one(&budget).await;
        }
        assert_eq!(
            *said.lock().unwrap(),
            [(30, "2 calls in 30s are used up".to_owned())]
        );
        assert!((30_000..30_100).contains(&budget.waited_ms()));
    });
}

#[test]
fn a_stop_ends_the_wait_of_everybody() {
    run(async {
        let budget = budget(&[(1, 3000)], 4);
        one(&budget).await;
        let cancel = Cancel::new();
        let mut tasks = JoinSet::new();
        for _ in 0..5 {
            let (budget, cancel) = (budget.clone(), cancel.clone());
            tasks.spawn(async move { budget.acquire(&cancel).await.err() });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        cancel.cancel();
        let ends = tasks.join_all().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert!(ends.iter().all(|e| *e == Some(NoPlace::Cancelled)));
    });
}

#[test]
fn a_wait_beyond_patience_is_an_end() {
    run(async {
        let budget = budget(&[(1, 86_400)], 4);
        one(&budget).await;
        let end = budget.acquire(&Cancel::new()).await.err().unwrap();
        let NoPlace::TooLong(why) = end else {
            unreachable!("{end:?}")
        };
        assert!(why.starts_with("1 calls in 24h are used up, for "), "{why}");
    });
}

#[test]
fn a_permit_that_is_dropped_counts_and_one_that_was_not_sent_does_not() {
    run(async {
        let budget = budget(&[(1, 10)], 4);
        budget.acquire(&Cancel::new()).await.unwrap().unsent();
        let begun = Instant::now();
        drop(budget.acquire(&Cancel::new()).await.unwrap());
        assert_eq!(begun.elapsed(), Duration::ZERO);
        one(&budget).await;
        assert!(begun.elapsed() > Duration::from_secs(10));
    });
}

#[test]
fn the_next_process_begins_with_the_calls_of_the_last() {
    run(async {
        let last = budget(&[(5, 60)], 4);
        for _ in 0..3 {
            one(&last).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        let under_way = last.acquire(&Cancel::new()).await.unwrap();
        let spent = last.snapshot();
        assert_eq!(spent.iter().map(|s| s.calls).sum::<u64>(), 4);
        assert_eq!(spent.last().unwrap().second - spent[0].second, 30);
        drop(under_way);

        // A new process: its clock starts at zero, the time of day goes on.
        struct Later(Fast, Timestamp);
        impl Clock for Later {
            fn now(&self) -> Timestamp {
                self.1 + self.0.monotonic()
            }
            fn monotonic(&self) -> Duration {
                self.0.monotonic()
            }
        }
        let wall = Timestamp::from_second(1_800_000_000 + 35).unwrap();
        let next = Budget::new(
            &limits(&[(5, 60)], 4),
            None,
            OurLimits::default(),
            Arc::new(Later(Fast(Instant::now()), wall)),
            Duration::from_secs(60),
            None,
        );
        next.restore(&spent);
        // From a clock that was set: counts as now.
        next.restore(&[Spent {
            second: i64::MAX,
            calls: 1,
        }]);
        let begun = Instant::now();
        one(&next).await;
        let waited = begun.elapsed().as_secs();
        assert!((25..=26).contains(&waited), "waited {waited} s");
    });
}

#[test]
fn the_servers_word_on_calls_left_holds_everybody() {
    run(async {
        let budget = budget(&[(1000, 3600)], 8);
        let permit = budget.acquire(&Cancel::new()).await.unwrap();
        permit.answered(
            Signal::Fine,
            &Notice {
                left: Some(2),
                reset_in: Some(Duration::from_secs(90)),
                retry_after: None,
            },
        );
        let begun = Instant::now();
        one(&budget).await;
        one(&budget).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        one(&budget).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(90));
    });
}

#[test]
fn a_wait_of_the_line_can_be_looked_at_until_it_is_over() {
    run(async {
        let budget = budget(&[(1_000, 3_600)], 4);
        assert_eq!(budget.waits(), None);
        budget.pause(Duration::from_secs(60), "the server says no calls are left");
        let asked = {
            let budget = budget.clone();
            tokio::spawn(async move { budget.acquire(&Cancel::new()).await.map(drop) })
        };
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (left, why) = budget.waits().unwrap();
        assert!((45..=50).contains(&left.as_secs()), "{left:?}");
        assert_eq!(why, "the server says no calls are left");
        asked.await.unwrap().unwrap();
        assert_eq!(budget.waits(), None);
    });
}
