//! Draws a [`Figure`] on any back end.

use std::ops::Range;
use std::sync::Once;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Scale, Series};

/// Okabe and Ito's colours without yellow (unreadable on white), black last.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(40, 40, 40),
];
const MUTED: RGBColor = RGBColor(200, 200, 200);
const FONT: &str = "sans-serif";

static REGISTER: Once = Once::new();

fn backend<E: std::fmt::Display>(error: E) -> Error {
    Error::Backend(error.to_string())
}

/// Draws all charts; `scale` is the number of pixels to a point.
pub(crate) fn figure<DB: DrawingBackend>(root: &DrawingArea<DB, Shift>, figure: &Figure, scale: u32) -> Result<()> {
    if figure.charts.is_empty() {
        return Err(Error::Empty {
            what: "figure without charts",
        });
    }
    REGISTER.call_once(|| {
        // The bytes are a constant of the crate: they either always parse or the tests fail.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
    });
    root.fill(&WHITE).map_err(backend)?;
    let columns = figure.columns.clamp(1, figure.charts.len());
    let rows = figure.charts.len().div_ceil(columns);
    for (area, item) in root.split_evenly((rows, columns)).iter().zip(&figure.charts) {
        Painter { chart: item, scale }.paint(area)?;
    }
    root.present().map_err(backend)
}

struct Painter<'a> {
    chart: &'a Chart,
    scale: u32,
}

/// Sizes in points.
const TEXT: u32 = 14;
const TITLE: u32 = 16;
const MARGIN: u32 = 10;

impl Painter<'_> {
    fn points(&self, points: u32) -> i32 {
        (points * self.scale) as i32
    }

    fn font(&self, size: u32) -> TextStyle<'static> {
        (FONT, f64::from(size * self.scale))
            .into_font()
            .color(&RGBColor(40, 40, 40))
    }

    fn color(&self, index: usize) -> RGBColor {
        let series = &self.chart.series[index];
        if series.muted {
            MUTED
        } else {
            PALETTE[series.color.unwrap_or(index) % PALETTE.len()]
        }
    }

    fn paint<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        let area = area.margin(
            self.points(MARGIN),
            self.points(MARGIN),
            self.points(MARGIN),
            self.points(MARGIN),
        );
        let area = if self.chart.title.is_empty() {
            area
        } else {
            let (head, rest) = area.split_vertically(self.points(TITLE + 8));
            let middle = head.dim_in_pixel().0 as i32 / 2;
            let style = self.font(TITLE).pos(Pos::new(HPos::Center, VPos::Top));
            head.draw_text(&self.chart.title, &style, (middle, 0))
                .map_err(backend)?;
            rest
        };
        let area = self.legend(&area)?;
        self.plane(&area)
    }

    /// Draws the legend in a column at the right; what is left of the area is returned.
    fn legend<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<DrawingArea<DB, Shift>> {
        let mut entries: Vec<(&str, usize)> = Vec::new();
        for (index, series) in self.chart.series.iter().enumerate() {
            if let Some(label) = series.label.as_deref()
                && !entries.iter().any(|&(seen, _)| seen == label)
            {
                entries.push((label, index));
            }
        }
        if entries.is_empty() {
            return Ok(area.clone());
        }
        let style = self.font(TEXT).pos(Pos::new(HPos::Left, VPos::Center));
        let mut widest = 0;
        for (label, _) in &entries {
            widest = widest.max(area.estimate_text_size(label, &style).map_err(backend)?.0 as i32);
        }
        let (width, _) = area.dim_in_pixel();
        let key = self.points(22);
        let column = widest + key + self.points(18);
        let (rest, legend) = area.split_horizontally(width as i32 - column);
        for (row, &(label, index)) in entries.iter().enumerate() {
            let y = self.points(14 + 20 * row as u32);
            let (x0, x1) = (self.points(8), self.points(8) + key - self.points(4));
            let color = self.color(index);
            match self.chart.series[index].mark {
                Mark::Points => legend
                    .draw(&Circle::new(((x0 + x1) / 2, y), self.points(4), color.filled()))
                    .map_err(backend)?,
                Mark::Bars | Mark::Area => {
                    let half = self.points(5);
                    legend
                        .draw(&Rectangle::new([(x0, y - half), (x1, y + half)], color.filled()))
                        .map_err(backend)?;
                }
                Mark::Dashed => {
                    let middle = self.points(3);
                    let stroke = color.stroke_width(2 * self.scale);
                    for (from, to) in [(x0, (x0 + x1) / 2 - middle), ((x0 + x1) / 2 + middle, x1)] {
                        legend
                            .draw(&PathElement::new([(from, y), (to, y)], stroke))
                            .map_err(backend)?;
                    }
                }
                Mark::Line | Mark::ThinLine | Mark::Steps => legend
                    .draw(&PathElement::new(
                        [(x0, y), (x1, y)],
                        color.stroke_width(2 * self.scale),
                    ))
                    .map_err(backend)?,
            }
            legend.draw_text(label, &style, (x0 + key, y)).map_err(backend)?;
        }
        Ok(rest)
    }

    fn plane<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        let chart = self.chart;
        let bars = chart.series.iter().any(|s| s.mark == Mark::Bars);
        let mut x = limits(
            &chart.x,
            chart.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)),
            false,
        )?;
        let mut y = limits(
            &chart.y,
            chart.series.iter().flat_map(|s| s.points.iter().map(|p| p.1)),
            bars,
        )?;
        let bottom = self.points(if chart.x.hidden && chart.x.label.is_empty() {
            8
        } else {
            42
        });
        let left = self.points(if chart.y.hidden { 26 } else { 70 });
        let right = self.points(14);
        if chart.equal_aspect {
            let (width, height) = area.dim_in_pixel();
            let inner = (
                f64::from(width as i32 - left - right),
                f64::from(height as i32 - bottom),
            );
            equalise(&mut x, &mut y, inner);
        }
        let mut plane = ChartBuilder::on(area)
            .x_label_area_size(bottom)
            .y_label_area_size(left)
            .margin_right(right)
            .build_cartesian_2d(x.clone(), y.clone())
            .map_err(backend)?;
        let x_text = |v: &f64| tick(&chart.x, *v, &x);
        let y_text = |v: &f64| tick(&chart.y, *v, &y);
        let ticks = |axis: &Axis, range: &Range<f64>, most: usize| {
            if axis.hidden { 0 } else { tick_count(axis, range, most) }
        };
        let mut mesh = plane.configure_mesh();
        mesh.x_desc(chart.x.label.clone())
            .y_desc(chart.y.label.clone())
            .axis_desc_style(self.font(TEXT))
            .label_style(self.font(TEXT - 2))
            .x_labels(ticks(&chart.x, &x, 8))
            .y_labels(ticks(&chart.y, &y, 7))
            .x_label_formatter(&x_text)
            .y_label_formatter(&y_text)
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(228, 228, 228).stroke_width(self.scale))
            .axis_style(RGBColor(120, 120, 120).stroke_width(self.scale));
        if chart.x.hidden {
            mesh.disable_x_mesh();
        }
        if chart.y.hidden {
            mesh.disable_y_mesh();
        }
        mesh.draw().map_err(backend)?;
        let plane = plane.plotting_area();
        for (index, series) in chart.series.iter().enumerate() {
            self.series(plane, series, self.color(index), &y)?;
        }
        Ok(())
    }

    fn series<DB: DrawingBackend>(
        &self,
        plane: &DrawingArea<
            DB,
            Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
        >,
        series: &Series,
        color: RGBColor,
        y: &Range<f64>,
    ) -> Result<()> {
        let (x_axis, y_axis) = (&self.chart.x, &self.chart.y);
        let pieces = pieces(series, x_axis.scale, y_axis.scale);
        let stroke = color.stroke_width(if series.mark == Mark::ThinLine {
            self.scale
        } else {
            2 * self.scale
        });
        for piece in pieces {
            match series.mark {
                Mark::Line | Mark::ThinLine => plane.draw(&PathElement::new(piece, stroke)).map_err(backend)?,
                Mark::Dashed => {
                    let (dash, gap) = (self.points(7), self.points(5));
                    plane
                        .draw(&DashedPathElement::new(piece, dash, gap, stroke))
                        .map_err(backend)?;
                }
                Mark::Steps => {
                    let mut path = Vec::with_capacity(2 * piece.len());
                    for pair in piece.windows(2) {
                        path.extend([pair[0], (pair[1].0, pair[0].1)]);
                    }
                    path.extend(piece.last());
                    plane.draw(&PathElement::new(path, stroke)).map_err(backend)?;
                }
                Mark::Points => {
                    for point in piece {
                        plane
                            .draw(&Circle::new(point, self.points(3), color.mix(0.75).filled()))
                            .map_err(backend)?;
                    }
                }
                Mark::Bars => {
                    let base = 0.0_f64.clamp(y.start, y.end);
                    for (at, height) in piece {
                        let bar = [(at - 0.35, base), (at + 0.35, height)];
                        plane.draw(&Rectangle::new(bar, color.filled())).map_err(backend)?;
                    }
                }
                Mark::Area => {
                    plane
                        .draw(&Polygon::new(piece.clone(), color.mix(0.18)))
                        .map_err(backend)?;
                    plane.draw(&PathElement::new(piece, stroke)).map_err(backend)?;
                }
            }
        }
        Ok(())
    }
}

/// Position of `value` on an axis, `None` where it cannot be shown.
fn place(value: f64, scale: Scale) -> Option<f64> {
    let position = match scale {
        Scale::Linear => value,
        Scale::Log10 if value > 0.0 => value.log10(),
        Scale::Log10 => return None,
    };
    position.is_finite().then_some(position)
}

/// Runs of points that can be shown.
fn pieces(series: &Series, x: Scale, y: Scale) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for &(a, b) in &series.points {
        match place(a, x).zip(place(b, y)) {
            Some(point) => pieces.last_mut().expect("never empty").push(point),
            None => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Range of positions on an axis: the one asked for, or that of the data with a margin of 4 %.
fn limits(axis: &Axis, values: impl Iterator<Item = f64>, from_zero: bool) -> Result<Range<f64>> {
    if let Some((least, greatest)) = axis.range {
        return match place(least, axis.scale).zip(place(greatest, axis.scale)) {
            Some((a, b)) if a < b => Ok(a..b),
            _ => Err(Error::Mismatch {
                what: "range of an axis",
                expected: "two increasing numbers, positive on a logarithmic axis".into(),
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
    let margin = if spread > 0.0 {
        0.04 * spread
    } else {
        least.abs().max(f64::MIN_POSITIVE.sqrt()) * 0.5
    };
    Ok(least - margin..greatest + margin)
}

/// Widens one range so that a unit has the same length on both axes of a plane of `size` pixels.
fn equalise(x: &mut Range<f64>, y: &mut Range<f64>, size: (f64, f64)) {
    let unit = ((x.end - x.start) / size.0).max((y.end - y.start) / size.1);
    for (range, pixels) in [(x, size.0), (y, size.1)] {
        let (middle, half) = (0.5 * (range.start + range.end), 0.5 * unit * pixels);
        *range = middle - half..middle + half;
    }
}

/// How many ticks to ask for: a logarithmic axis has one a decade at most.
fn tick_count(axis: &Axis, range: &Range<f64>, most: usize) -> usize {
    if !axis.names.is_empty() {
        return axis.names.len() + 2;
    }
    if axis.scale == Scale::Log10 && range.end - range.start > 2.0 {
        return most.min((range.end - range.start).ceil() as usize + 1);
    }
    most
}

/// Text at a tick.
fn tick(axis: &Axis, position: f64, range: &Range<f64>) -> String {
    if !axis.names.is_empty() {
        let index = position.round();
        let near = (position - index).abs() < 1e-6 && index >= 0.0;
        return if near {
            axis.names.get(index as usize).cloned().unwrap_or_default()
        } else {
            String::new()
        };
    }
    match axis.scale {
        Scale::Log10 if range.end - range.start > 2.0 => {
            if (position - position.round()).abs() < 1e-6 {
                format!("1e{}", position.round())
            } else {
                String::new()
            }
        }
        Scale::Log10 => number(10f64.powf(position), 10f64.powf(position) * 0.01),
        Scale::Linear => number(position, range.end - range.start),
    }
}

/// `value` with as many digits as a range of width `spread` needs.
fn number(value: f64, spread: f64) -> String {
    let largest = value.abs().max(spread.abs());
    if value.abs() < 1e-9 * spread.abs() {
        return "0".into();
    }
    if !(1e-3..1e5).contains(&largest) {
        let text = format!("{value:.2e}");
        return text.replace(".00e", "e").replace("0e", "e");
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

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!(number(0.5, 1.0), "0.5");
        assert_eq!(number(2000.0, 5000.0), "2000");
        assert_eq!(number(1e-12, 1e-11), "1e-12");
        assert_eq!(number(1e-17, 1.0), "0");
        assert_eq!(number(100.0, 10.0), "100");
    }

    #[test]
    fn a_unit_is_as_long_on_both_axes() {
        let (mut x, mut y) = (0.0..4.0, 0.0..1.0);
        equalise(&mut x, &mut y, (400.0, 200.0));
        assert_eq!((x.end - x.start) / 400.0, (y.end - y.start) / 200.0);
        assert!(x.start <= 0.0 && x.end >= 4.0);
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
