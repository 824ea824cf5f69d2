//! From what was scraped of metrics to the points of one line.

use crate::series::{MetricKind, Series, SeriesMetric};

/// The most points of a line of values.
const POINTS: usize = 300;

/// Parts of the run for each of which a counter has a rate, and a histogram a mean.
const PARTS: usize = 60;

/// What is larger is drawn as this large, so that sums and differences remain numbers.
const LARGEST: f64 = 1e300;

/// A value from a scrape on, until the next point; none where nobody tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) scrape: usize,
    pub(super) value: Option<f64>,
}

/// The line of some metrics of one family together: the values of gauges, how much counters grow in a second, the mean of
/// what histograms observe.
pub(super) fn points(kind: MetricKind, metrics: &[&SeriesMetric], series: &Series) -> Vec<Point> {
    let scrapes = series.scrapes;
    let values = |metric: &SeriesMetric, suffix: &str| {
        let sample = metric.samples.iter().find(|sample| sample.suffix == suffix);
        let sample = sample.or_else(|| metric.samples.first().filter(|_| suffix.is_empty()));
        let values = sample.map(|sample| sample.values.as_slice()).unwrap_or_default();
        let value = |at| values.get(at).copied().flatten().filter(|value: &f64| value.is_finite());
        (0..scrapes)
            .map(|at| value(at).map(|value| value.clamp(-LARGEST, LARGEST)))
            .collect::<Vec<_>>()
    };
    let grown = |suffix| {
        let each = metrics.iter().map(|metric| growth(&values(metric, suffix)));
        by_part(&sum(each, scrapes))
    };
    match kind {
        MetricKind::Gauge => {
            extremes(&sum(metrics.iter().map(|metric| values(metric, "")), scrapes))
        }
        MetricKind::Counter => {
            let rate = |part: Part| {
                let scrapes = (part.to - part.from) as f64;
                let seconds = series.every_ms.max(1) as f64 * scrapes / 1e3;
                Point { scrape: part.from, value: part.sum.map(|sum| sum / seconds) }
            };
            grown("_total").into_iter().map(rate).collect()
        }
        MetricKind::Histogram => {
            let mean = |(sum, count): (Part, Part)| {
                let value = sum.sum.zip(count.sum.filter(|count| *count > 0.0));
                Point { scrape: sum.from, value: value.map(|(sum, count)| sum / count) }
            };
            grown("_sum").into_iter().zip(grown("_count")).map(mean).collect()
        }
    }
}

/// By scrape what all of them are together; none where nobody tells anything.
fn sum(all: impl Iterator<Item = Vec<Option<f64>>>, scrapes: usize) -> Vec<Option<f64>> {
    let mut sums = vec![None; scrapes];
    for one in all {
        for (sum, value) in sums.iter_mut().zip(one) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
    }
    sums
}

/// By scrape how much a counter has grown since it was last told. It begins at 0, and again when it is smaller than before.
fn growth(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut before = 0.0;
    let mut grown = |now: f64| {
        let last = std::mem::replace(&mut before, now);
        if now >= last { now - last } else { now }
    };
    values.iter().map(|value| value.map(&mut grown)).collect()
}

/// Some scrapes, one after the other.
struct Part {
    from: usize,
    /// The first that is none of them.
    to: usize,
    /// What their values are together; none where nobody tells any.
    sum: Option<f64>,
}

/// As many parts of even size as are drawn.
fn by_part(values: &[Option<f64>]) -> Vec<Part> {
    let parts = PARTS.min(values.len());
    (0..parts)
        .map(|part| {
            let (from, to) = (part * values.len() / parts, (part + 1) * values.len() / parts);
            let told = values[from..to].iter().flatten();
            Part { from, to, sum: told.copied().reduce(|sum, value| sum + value) }
        })
        .collect()
}

/// Every value; of very many the first, the last, and of each part the least, the largest and where nobody tells one, in
/// their order.
fn extremes(values: &[Option<f64>]) -> Vec<Point> {
    let part = if values.len() <= POINTS { 1 } else { values.len().div_ceil(POINTS / 3) };
    let mut points: Vec<Point> = Vec::new();
    let mut say = |scrape: usize, value: Option<f64>| {
        if points.last().is_none_or(|last| last.value != value) {
            points.push(Point { scrape, value });
        }
    };
    if let Some(first) = values.first() {
        say(0, *first);
    }
    for from in (0..values.len()).step_by(part) {
        let within = from..(from + part).min(values.len());
        let told = || within.clone().filter_map(|at| Some((at, values[at]?)));
        let least = told().min_by(|a, b| a.1.total_cmp(&b.1));
        // Of those that are alike the first: `max_by` would give the last.
        let most = told().reduce(|most, next| if next.1 > most.1 { next } else { most });
        let silent = within.clone().find(|at| values[*at].is_none());
        let mut places = [least.map(|(at, _)| at), most.map(|(at, _)| at), silent];
        places.sort_unstable();
        for at in places.into_iter().flatten() {
            say(at, values[at]);
        }
    }
    if let Some(last) = values.len().checked_sub(1) {
        say(last, values[last]);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Sample;

    fn metric(samples: &[(&str, &[Option<f64>])]) -> SeriesMetric {
        let sample = |(suffix, values): &(&str, &[Option<f64>])| Sample {
            suffix: (*suffix).to_owned(),
            le: None,
            values: values.to_vec(),
        };
        SeriesMetric { labels: Vec::new(), samples: samples.iter().map(sample).collect() }
    }

    fn values(kind: MetricKind, metrics: &[SeriesMetric], scrapes: usize) -> Vec<Option<f64>> {
        let series = Series { every_ms: 500, scrapes, ..Series::default() };
        let metrics: Vec<&SeriesMetric> = metrics.iter().collect();
        points(kind, &metrics, &series).into_iter().map(|point| point.value).collect()
    }

    #[test]
    fn very_many_values_keep_what_is_least_and_most_and_where_there_is_none() {
        let mut many: Vec<Option<f64>> = (0..10_000).map(|at| Some(f64::from(at % 7))).collect();
        (many[4_321], many[8_765], many[9_999]) = (Some(99.0), Some(-99.0), Some(50.0));
        many[5_000..5_500].fill(None);
        let points = extremes(&many);
        assert!(points.len() <= POINTS + 2, "{}", points.len());
        for (scrape, value) in [(4_321, Some(99.0)), (8_765, Some(-99.0)), (5_000, None)] {
            assert!(points.contains(&Point { scrape, value }), "{value:?}");
        }
        assert_eq!(points.last(), Some(&Point { scrape: 9_999, value: Some(50.0) }));
        assert!(points.is_sorted_by_key(|point| point.scrape));
        // What does not change is one point.
        assert_eq!(extremes(&[Some(1.0); 5_000]), [Point { scrape: 0, value: Some(1.0) }]);
        assert_eq!(extremes(&[]), []);
    }

    #[test]
    fn a_counter_that_begins_again_does_not_shrink() {
        let told = [Some(2.0), Some(3.0), None, Some(1.0), Some(1.0)];
        let one = metric(&[("_total", &told)]);
        let rates = values(MetricKind::Counter, std::slice::from_ref(&one), 5);
        assert_eq!(rates, [Some(4.0), Some(2.0), None, Some(2.0), Some(0.0)]);
        // Of many scrapes each part has one rate.
        let many: Vec<Option<f64>> = (0..6_000).map(|at| Some(f64::from(at))).collect();
        let rates = values(MetricKind::Counter, &[metric(&[("_total", &many)])], 6_000);
        assert_eq!((rates.len(), rates[1], rates[59]), (60, Some(2.0), Some(2.0)));
        // Two together.
        let rates = values(MetricKind::Counter, &[one.clone(), one], 5);
        assert_eq!(rates[0], Some(8.0));
    }

    #[test]
    fn a_histogram_is_drawn_by_its_mean() {
        let one = metric(&[
            ("_bucket", &[Some(1.0); 3]),
            ("_count", &[Some(2.0), Some(2.0), Some(3.0)]),
            ("_sum", &[Some(3.0), Some(3.0), Some(7.0)]),
        ]);
        assert_eq!(values(MetricKind::Histogram, &[one], 3), [Some(1.5), None, Some(4.0)]);
    }
}
