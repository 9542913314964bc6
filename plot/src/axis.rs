//! Positions on an axis: range, ticks and the text at them.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::error::{Error, Result};
use crate::figure::{Axis, Scale};

/// A range of positions with its ticks; a position on a logarithmic axis is a decimal logarithm.
#[derive(Clone)]
pub(crate) struct Ruler {
    axis: Axis,
    range: Range<f64>,
    /// Counts, say: no ticks between whole numbers.
    whole: bool,
}

impl Ruler {
    /// The range asked for, or that of `values` with a margin of 4 %.
    pub(crate) fn new(axis: &Axis, values: impl Iterator<Item = f64>, from_zero: bool) -> Result<Self> {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        Ok(Self {
            axis: axis.clone(),
            whole: !values.is_empty() && values.iter().all(|value| value.fract() == 0.0),
            range: limits(axis, values.into_iter(), from_zero)?,
        })
    }

    /// Widens one of two ranges so that a unit has the same length on both axes of a plane of `size` pixels.
    pub(crate) fn equalise(x: &mut Self, y: &mut Self, size: (f64, f64)) {
        let unit = (x.width() / size.0).max(y.width() / size.1);
        for (ruler, pixels) in [(x, size.0), (y, size.1)] {
            let (middle, half) = (0.5 * (ruler.range.start + ruler.range.end), 0.5 * unit * pixels);
            ruler.range = middle - half..middle + half;
        }
    }

    fn width(&self) -> f64 {
        self.range.end - self.range.start
    }

    /// At most about `most` positions, at round numbers.
    fn ticks(&self, most: usize) -> Vec<f64> {
        let inside = |position: &f64| self.range.contains(position);
        if !self.axis.names.is_empty() {
            return (0..self.axis.names.len()).map(|i| i as f64).filter(inside).collect();
        }
        if self.axis.scale == Scale::Log10 && self.width() > 0.7 {
            return decades(&self.range, most);
        }
        let (start, end) = match self.axis.scale {
            Scale::Linear => (self.range.start, self.range.end),
            Scale::Log10 => (10f64.powf(self.range.start), 10f64.powf(self.range.end)),
        };
        let step = round_step((end - start) / most as f64);
        let step = if self.whole { step.max(1.0) } else { step };
        // Ranges of a few units in the last place have no round numbers inside.
        let (first, last) = ((start / step).ceil(), (end / step).floor());
        let countable = first.abs().max(last.abs()) < EXACT;
        if !countable {
            return Vec::new();
        }
        (first as i64..=last as i64)
            .filter_map(|k| place(k as f64 * step, self.axis.scale))
            .collect()
    }
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        // Far outside is as good as farther outside, and pixels are counted in i32.
        let share = ((value - self.range.start) / self.width()).clamp(-FAR, FAR);
        low + (share * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.axis.hidden {
            Vec::new()
        } else {
            self.ticks(hint.bold_points().max(2))
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Ruler {
    fn format_ext(&self, position: &f64) -> String {
        if !self.axis.names.is_empty() {
            return self
                .axis
                .names
                .get(position.round() as usize)
                .cloned()
                .unwrap_or_default();
        }
        match self.axis.scale {
            Scale::Linear => number(*position, self.width()),
            // Margins reach beyond the largest and the least number.
            Scale::Log10 if position.abs() > 300.0 => format!("1e{position:.0}"),
            Scale::Log10 => {
                let value = 10f64.powf(*position);
                let spread = 10f64.powf(self.range.end) - 10f64.powf(self.range.start);
                number(value, if self.width() > 0.7 { value } else { spread })
            }
        }
    }
}

/// Widths of the axis beyond which positions are not told apart.
const FAR: f64 = 64.0;

/// Largest value that is shown: differences of such values are numbers.
const LARGEST: f64 = 1e300;

/// Least width of an axis: the numbers at its ticks are normal ones.
const NARROWEST: f64 = 1e-290;

/// Whole numbers below this are told apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Position of `value` on an axis, `None` where it cannot be shown.
pub(crate) fn place(value: f64, scale: Scale) -> Option<f64> {
    let position = match scale {
        Scale::Linear => value,
        Scale::Log10 if value > 0.0 => value.log10(),
        Scale::Log10 => return None,
    };
    (position.abs() <= LARGEST).then_some(position)
}

fn limits(axis: &Axis, values: impl Iterator<Item = f64>, from_zero: bool) -> Result<Range<f64>> {
    if let Some((least, greatest)) = axis.range {
        return match place(least, axis.scale).zip(place(greatest, axis.scale)) {
            Some((a, b)) if b - a >= NARROWEST => Ok(a..b),
            _ => Err(Error::Mismatch {
                what: "range of an axis",
                expected: "two increasing numbers up to 1e300, positive on a logarithmic axis".into(),
                found: format!("{least}..{greatest} on {:?}", axis.label),
            }),
        };
    }
    if !axis.names.is_empty() {
        return Ok(-0.6..axis.names.len() as f64 - 0.4);
    }
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for position in values.filter_map(|v| place(v, axis.scale)) {
        (least, greatest) = (least.min(position), greatest.max(position));
    }
    if from_zero {
        (least, greatest) = (least.min(0.0), greatest.max(0.0));
    }
    if least > greatest {
        return Ok(0.0..1.0);
    }
    let spread = greatest - least;
    // A constant still needs a range of some width around it.
    let margin = if spread > NARROWEST {
        0.04 * spread
    } else {
        least.abs().max(f64::MIN_POSITIVE.sqrt()) * 0.5
    };
    Ok(least - margin..greatest + margin)
}

/// Ticks at powers of ten, every k-th when there are many; at 1, 2 and 5 times them when there are few.
fn decades(range: &Range<f64>, most: usize) -> Vec<f64> {
    // Positions are decimal logarithms of numbers; an equalised plane may reach far beyond them.
    let numbers = range.start.abs().max(range.end.abs()) < 1e5;
    if !numbers {
        return Vec::new();
    }
    let (first, last) = (range.start.floor() as i64, range.end.ceil() as i64);
    let stride = (last - first).div_euclid(most as i64) + 1;
    let factors: &[f64] = if range.end - range.start > 2.5 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    (first..=last)
        .filter(|k| k.rem_euclid(stride) == 0)
        .flat_map(|k| factors.iter().map(move |f| k as f64 + f.log10()))
        .filter(|position| range.contains(position))
        .collect()
}

/// The least of 1, 2, 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .iter()
        .map(|f| f * power)
        .find(|&round| round >= step * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// `value` with as many digits as a range of width `spread` needs.
fn number(value: f64, spread: f64) -> String {
    if value.abs() < 1e-9 * spread.abs() {
        return "0".into();
    }
    if !(1e-3..1e5).contains(&value.abs().max(spread.abs())) {
        let text = format!("{value:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let digits = (2.0 - spread.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruler(axis: Axis) -> Ruler {
        Ruler::new(&axis, std::iter::empty(), false).unwrap()
    }

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!(number(0.5, 1.0), "0.5");
        assert_eq!(number(2000.0, 5000.0), "2000");
        assert_eq!(number(1e-12, 1e-11), "1e-12");
        assert_eq!(number(1e-10, 1e-10), "1e-10");
        assert_eq!(number(1e-17, 1.0), "0");
        assert_eq!(number(100.0, 10.0), "100");
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let text = |axis: Axis| {
            let ruler = ruler(axis);
            ruler.ticks(8).iter().map(|t| ruler.format_ext(t)).collect::<Vec<_>>()
        };
        assert_eq!(
            text(Axis::linear("").range(0.0, 1.0)),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(text(Axis::log("").range(0.9, 11.0)), ["1", "2", "5", "10"]);
        assert_eq!(
            text(Axis::log("").range(0.9e-4, 2e-1)),
            ["1e-4", "0.001", "0.01", "0.1"]
        );
        assert_eq!(text(Axis::log("").range(1.9, 4.1)), ["2", "2.5", "3", "3.5", "4"]);
        assert_eq!(text(Axis::named("", ["Fz", "Cz"])), ["Fz", "Cz"]);
    }

    #[test]
    fn counts_have_no_ticks_between_them() {
        let ruler = Ruler::new(&Axis::linear("count"), [0.0, -1.0, 2.0].into_iter(), false).unwrap();
        assert_eq!(ruler.ticks(8), [-1.0, 0.0, 1.0, 2.0]);
        let ruler = Ruler::new(&Axis::linear("share"), [0.0, 0.5].into_iter(), false).unwrap();
        assert!(ruler.ticks(8).len() > 2);
    }

    #[test]
    fn a_unit_is_as_long_on_both_axes() {
        let mut x = ruler(Axis::linear("").range(0.0, 4.0));
        let mut y = ruler(Axis::linear("").range(0.0, 1.0));
        Ruler::equalise(&mut x, &mut y, (400.0, 200.0));
        assert_eq!(x.width() / 400.0, y.width() / 200.0);
        assert!(x.range.start <= 0.0 && x.range.end >= 4.0);
    }

    #[test]
    fn constant_and_empty_data_have_a_range() {
        for value in [0.0, 5.0, -3e-26] {
            let range = limits(&Axis::linear(""), [value].into_iter(), false).unwrap();
            assert!(range.start < value && value < range.end);
        }
        assert_eq!(limits(&Axis::log(""), [0.0].into_iter(), false).unwrap(), 0.0..1.0);
    }
}
