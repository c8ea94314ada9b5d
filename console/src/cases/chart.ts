/** The curve of a finding: only the parts of ECharts that it needs, loaded when a curve is shown. */
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, MarkPointComponent, TooltipComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { Evidence, Series } from "../api/types";
import { name } from "../names";
import { t } from "../texts";
import { clockTime, ms } from "../times";
import { figure } from "../units";

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, MarkPointComponent, TooltipComponent, CanvasRenderer]);

/** Milliseconds since 1970, value. */
type Plotted = readonly [number, number | null];

export function plotted(of: Series | undefined): Plotted[] {
  return (of?.points ?? []).map((point) => [Number(point[0]), point[1] === null ? null : Number(point[1])]);
}

export function draw(box: HTMLElement, of: Evidence): ECharts {
  const look = getComputedStyle(document.documentElement);
  const colour = (of: string): string => look.getPropertyValue(of).trim();
  const text = colour("--text");
  const own = of.series.find((one) => one.own) ?? of.series[0];
  const values = of.series.filter((one) => one.unit === own?.unit).flatMap((one) => plotted(one).map((point) => point[1] ?? 0));
  // Limits of a rate or a deviation are no lines among readings.
  const bounds = of.limits?.statistic === "value" ? of.limits : null;
  const limits = bounds ? [bounds.raise_at, bounds.clear_at] : [];
  const top = Math.max(...values, ...limits, 0) * 1.1 || 1;
  const low = Math.min(...values, ...limits, 0) * 1.1;
  const times = plotted(own).map((point) => point[0]);
  const short = (times[times.length - 1] ?? 0) - (times[0] ?? 0) < 20 * 60_000;
  const scale = own?.vol_per_unit ?? null;
  const line = (at: number | undefined, words: string, kind: string): object[] =>
    at === undefined ? [] : [{ yAxis: at, label: { position: "insideEndTop", formatter: `${words} ${figure(at)}`, color: text }, lineStyle: { type: kind, color: colour("--over") } }];
  const chart = init(box, undefined, { renderer: "canvas" });
  chart.setOption({
    animation: false,
    textStyle: { color: text, fontFamily: "inherit" },
    grid: { left: 56, right: scale ? 64 : 24, top: 40, bottom: 32 },
    legend: { textStyle: { color: text }, top: 4, type: "scroll" },
    // Drawn, not written into the page: the page allows no inline styles.
    tooltip: { trigger: "axis", renderMode: "richText" },
    xAxis: { type: "time", axisLabel: { color: text, formatter: (at: number) => clockTime(at, short) } },
    yAxis: [
      { type: "value", name: own?.unit ?? "", splitLine: { lineStyle: { color: colour("--line") } }, min: low, max: top, axisLabel: { color: text, formatter: figure }, nameTextStyle: { color: text } },
      ...(scale
        ? [{ type: "value", name: "%VOL", min: low * scale, max: top * scale, splitLine: { show: false }, axisLabel: { color: text, formatter: figure }, nameTextStyle: { color: text } }]
        : []),
    ],
    series: of.series
      .filter((one) => one.unit === own?.unit)
      .map((one) => ({
        type: "line",
        name: name(one.name, one.channel),
        data: plotted(one),
        showSymbol: one.points.length < 60,
        connectNulls: false,
        lineStyle: { width: one.own ? 2.5 : 1.2, type: one.own ? "solid" : "dashed" },
        ...(one.own
          ? {
              color: colour("--accent"),
              markLine: {
                silent: true,
                symbol: "none",
                data: [...line(bounds?.raise_at, t("console.chart.raise"), "solid"), ...line(bounds?.clear_at, t("console.chart.clear"), "dotted")],
              },
              markPoint: {
                symbolSize: 14,
                symbol: "triangle",
                label: { show: false },
                data: [{ coord: [ms(of.finding.onset), nearest(plotted(one), ms(of.finding.onset))] }],
              },
            }
          : {}),
      })),
  });
  return chart;
}

function nearest(points: readonly Plotted[], at: number): number {
  let best = 0;
  let gap = Infinity;
  for (const [when, value] of points)
    if (value !== null && Math.abs(when - at) < gap) [gap, best] = [Math.abs(when - at), value];
  return best;
}
