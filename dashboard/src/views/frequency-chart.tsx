import { useEffect, useRef } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import type uPlot from 'uplot';
import type { ChartData, Range } from '../model/chart-data.js';
import { hertz } from '../model/words.js';

interface ChartProps {
  data: ChartData;
  range: Range;
  /** What the chart shows, in a sentence. */
  label: string;
  select: (range: Range) => void;
  reset: () => void;
}

const HEIGHT = 240;

/** The chart; its library is loaded when the first one is shown. */
export function FrequencyChart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let ended = false;
    const draw = async () => {
      const { default: UPlot } = await import('uplot');
      if (ended) return;
      chart.current?.destroy();
      chart.current = new UPlot(
        optionsOf(element, latest, UPlot, readout),
        columnsOf(latest.current.data),
        element,
      );
    };
    void draw();
    const observer = new ResizeObserver(() => {
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    // Colours are read when the chart is made.
    const anew = () => void draw();
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', anew);
    addEventListener('themechange', anew);
    return () => {
      ended = true;
      observer.disconnect();
      system.removeEventListener('change', anew);
      removeEventListener('themechange', anew);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);

  const { data, range } = props;
  useEffect(() => {
    chart.current?.setData(columnsOf(data), false);
    chart.current?.setScale('x', { min: range.from / 1_000, max: range.to / 1_000 });
  });

  return (
    <div class="chart-place">
      <div class="chart" ref={place} role="img" aria-label={props.label} />
      <p class="chart-readout number" ref={readout} aria-hidden="true" />
    </div>
  );
}

function columnsOf({ times, frequencies, lowest, highest }: ChartData): uPlot.AlignedData {
  return [times, highest, lowest, frequencies];
}

function optionsOf(
  element: HTMLElement,
  latest: { current: ChartProps },
  UPlot: typeof uPlot,
  readout: { current: HTMLElement | null },
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = {
    stroke: colour('--ink-2'),
    font,
    grid: { stroke: colour('--line-2'), width: 1 },
    ticks: { show: false },
  };
  const stepped = UPlot.paths.stepped?.({ align: 1 });
  const edge = { label: '', stroke: 'transparent', paths: stepped, points: { show: false } };
  const { from, to } = latest.current.range;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 8 } },
    scales: {
      x: { time: true, min: from / 1_000, max: to / 1_000, auto: false },
      y: { range: (_, _min, max) => [0, Math.max(2, (max ?? 1) * 1.2)] },
    },
    axes: [
      { ...axis, size: 32, values: timeLabels },
      {
        ...axis,
        size: 46,
        values: (_, splits) => splits.map((value) => (value === 0 ? '0' : `${value} Hz`)),
      },
    ],
    series: [
      {},
      edge,
      edge,
      {
        label: 'frequency',
        stroke: colour('--led'),
        fill: `color-mix(in srgb, ${colour('--led')} 9%, transparent)`,
        width: 2,
        paths: stepped,
        points: { show: false },
      },
    ],
    bands: [{ series: [1, 2], fill: `color-mix(in srgb, ${colour('--led')} 22%, transparent)` }],
    hooks: {
      setCursor: [
        ({ cursor: { idx } }) => {
          if (readout.current !== null) readout.current.textContent = wordsAt(latest.current.data, idx);
        },
      ],
      drawClear: [(plot) => shadeDark(plot, latest.current.data.dark, colour('--idle-soft'))],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const at = (pixels: number) => plot.posToVal(pixels, 'x') * 1_000;
          latest.current.select({ from: at(left), to: at(left + width) });
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => latest.current.reset())],
    },
  };
}

/** What was told at the place of the pointer. */
function wordsAt({ times, frequencies }: ChartData, index: number | null | undefined): string {
  const time = times[index ?? -1];
  const frequency = frequencies[index ?? -1];
  return time === undefined || !frequency ? '' : `${SECONDS.format(time * 1_000)}  ${hertz(frequency)}`;
}

/** Behind the line: when the LED did not blink. */
function shadeDark(plot: uPlot, dark: ChartData['dark'], fill: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = fill;
  for (const { from, to } of dark) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const SECONDS = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

function timeLabels(_: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((time, index) => {
    const before = splits[index - 1];
    const newDay = before === undefined || DAY.format(before * 1_000) !== DAY.format(time * 1_000);
    if (step >= 86_400) return DAY.format(time * 1_000);
    const clock = step < 60 ? SECONDS : CLOCK;
    return step >= 3_600 && newDay
      ? `${DAY.format(time * 1_000)} ${clock.format(time * 1_000)}`
      : clock.format(time * 1_000);
  });
}
