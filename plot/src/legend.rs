//! Legends: beside a chart, or once below charts that share their names.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::draw::{TEXT, backend, color, font};
use crate::error::Result;
use crate::figure::{Chart, Mark};

/// One line of a legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry<'a> {
    label: &'a str,
    mark: Mark,
    color: RGBColor,
}

/// Sizes in points: the key before a name, from one line to the next, the space after a name.
const KEY: u32 = 22;
const LINE: u32 = 20;
const GAP: u32 = 18;

/// The names of a chart, each once, as its first series shows it.
pub(crate) fn entries(chart: &Chart) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (index, series) in chart.series.iter().enumerate() {
        if let Some(label) = series.label.as_deref()
            && !entries.iter().any(|entry| entry.label == label)
        {
            entries.push(Entry {
                label,
                mark: series.mark,
                color: color(chart, index),
            });
        }
    }
    entries
}

/// All names of several charts, when a name means the same in each of them.
pub(crate) fn shared(charts: &[Chart]) -> Option<Vec<Entry<'_>>> {
    if charts.len() < 2 {
        return None;
    }
    let mut union: Vec<Entry<'_>> = Vec::new();
    for entry in charts.iter().flat_map(entries) {
        match union.iter().find(|known| known.label == entry.label) {
            Some(known) if *known != entry => return None,
            Some(_) => {}
            None => union.push(entry),
        }
    }
    (!union.is_empty()).then_some(union)
}

/// Draws the entries in a column at the right, or at the bottom when their names would take a third of the width; what is
/// left of the area is returned.
pub(crate) fn beside<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    entries: &[Entry<'_>],
    scale: u32,
) -> Result<DrawingArea<DB, Shift>> {
    if entries.is_empty() {
        return Ok(area.clone());
    }
    let points = |points: u32| (points * scale) as i32;
    let widest = widths(area, entries, scale)?.into_iter().max().unwrap_or(0);
    let column = points(8 + GAP) + widest;
    if 3 * column > area.dim_in_pixel().0 as i32 {
        return below(area, entries, scale);
    }
    let (rest, legend) = area.split_horizontally(area.dim_in_pixel().0 as i32 - column);
    for (row, entry) in entries.iter().enumerate() {
        entry.draw(&legend, (points(8), points(14 + LINE * row as u32)), scale)?;
    }
    Ok(rest)
}

/// Draws the entries in centred lines at the bottom; what is left of the area is returned.
pub(crate) fn below<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    entries: &[Entry<'_>],
    scale: u32,
) -> Result<DrawingArea<DB, Shift>> {
    let points = |points: u32| (points * scale) as i32;
    let (width, height) = area.dim_in_pixel();
    let room = width as i32 - 2 * points(GAP);
    let widths = widths(area, entries, scale)?;
    let mut lines: Vec<(Vec<usize>, i32)> = Vec::new();
    for (index, own) in widths.iter().enumerate() {
        match lines.last_mut() {
            Some((line, used)) if *used + points(GAP) + own <= room => {
                line.push(index);
                *used += points(GAP) + own;
            }
            _ => lines.push((vec![index], *own)),
        }
    }
    let (rest, legend) = area.split_vertically(height as i32 - points(LINE * lines.len() as u32 + 12));
    for (row, (line, used)) in lines.iter().enumerate() {
        let mut x = (width as i32 - used) / 2;
        for &index in line {
            entries[index].draw(&legend, (x, points(4 + LINE / 2 + LINE * row as u32)), scale)?;
            x += widths[index] + points(GAP);
        }
    }
    Ok(rest)
}

/// Pixels that each entry takes, with its key.
fn widths<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, entries: &[Entry<'_>], scale: u32) -> Result<Vec<i32>> {
    let style = font(TEXT, scale);
    entries
        .iter()
        .map(|entry| {
            let (width, _) = area.estimate_text_size(entry.label, &style).map_err(backend)?;
            Ok(width as i32 + (KEY * scale) as i32)
        })
        .collect()
}

impl Entry<'_> {
    /// Draws key and name, beginning at `x`, their middle at the height `y`.
    fn draw<DB: DrawingBackend>(&self, legend: &DrawingArea<DB, Shift>, (x, y): (i32, i32), scale: u32) -> Result<()> {
        let points = |points: u32| (points * scale) as i32;
        let (x0, x1) = (x, x + points(KEY - 4));
        let stroke = self.color.stroke_width(2 * scale);
        let line = |from: i32, to: i32| PathElement::new([(from, y), (to, y)], stroke);
        match self.mark {
            Mark::Points => legend
                .draw(&Circle::new(((x0 + x1) / 2, y), points(4), self.color.filled()))
                .map_err(backend)?,
            Mark::Bars | Mark::Area => {
                let half = points(5);
                legend
                    .draw(&Rectangle::new([(x0, y - half), (x1, y + half)], self.color.filled()))
                    .map_err(backend)?;
            }
            Mark::Dashed => {
                let middle = points(3);
                for (from, to) in [(x0, (x0 + x1) / 2 - middle), ((x0 + x1) / 2 + middle, x1)] {
                    legend.draw(&line(from, to)).map_err(backend)?;
                }
            }
            Mark::Line | Mark::ThinLine | Mark::Steps => legend.draw(&line(x0, x1)).map_err(backend)?,
        }
        let style = font(TEXT, scale).pos(Pos::new(HPos::Left, VPos::Center));
        legend
            .draw_text(self.label, &style, (x0 + points(KEY), y))
            .map_err(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Series};

    fn chart(series: Vec<Series>) -> Chart {
        Chart {
            series,
            ..Chart::new(Axis::linear("x"), Axis::linear("y"))
        }
    }

    #[test]
    fn names_that_mean_the_same_are_shared() {
        let line = |color| Series::line([(0.0, 1.0)]).label("a").color(color);
        let dots = Series::dots([(0.0, 1.0)]).label("b").color(1);
        let (one, two) = (chart(vec![line(0), line(0)]), chart(vec![line(0), dots]));
        assert_eq!(entries(&one).len(), 1);
        let both = [one.clone(), two];
        let labels: Vec<&str> = shared(&both).unwrap().iter().map(|entry| entry.label).collect();
        assert_eq!(labels, ["a", "b"]);
        assert!(shared(&[one.clone(), chart(vec![line(1)])]).is_none());
        assert!(shared(std::slice::from_ref(&one)).is_none());
        assert!(shared(&[chart(vec![]), chart(vec![])]).is_none());
    }
}
