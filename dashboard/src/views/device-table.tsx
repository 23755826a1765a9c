import type { Signal } from '@preact/signals';
import { useSignal } from '@preact/signals';
import { memo } from 'preact/compat';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { expiryOf, type ListSort, type SortKey } from '../model/device-list.js';
import type { FleetDevice } from '../model/fleet.js';
import { hrefs } from '../model/route.js';
import { ageOf, dayOf, durationOf, momentOf } from '../model/words.js';
import { Badge } from './badge.js';
import { useDashboard, useNow } from './context.js';
import { Led, ledWords } from './led.js';
import { useNarrow, useVisibleRows } from './visible-rows.js';

interface Column {
  /** Undefined where the list itself does not know, so that it cannot be sorted by. */
  key?: SortKey;
  label: string;
  column: string;
}

const COLUMNS: readonly Column[] = [
  { key: 'thing', label: 'Device', column: 'thing' },
  { key: 'connection', label: 'Connection', column: 'connection' },
  { key: 'health', label: 'Health', column: 'health' },
  { key: 'led', label: 'LED', column: 'led' },
  { label: 'Components', column: 'components' },
  { label: 'Certificate', column: 'certificate' },
  { key: 'rotation', label: 'Rotation', column: 'rotation' },
  { label: 'Deployment', column: 'deployment' },
];

/** Rows a page key goes. */
const PAGE = 15;

/**
 * The list. Only what is on the screen is in the document; two empty rows stand for the rest, so that it stays a table
 * with its columns. Arrow keys, Home, End and the page keys go from device to device, Enter opens one.
 */
export function DeviceTable({ devices, sort }: { devices: readonly FleetDevice[]; sort: Signal<ListSort> }) {
  const { fleet } = useDashboard();
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const rowHeight = narrow ? 64 : 44;
  // The others are left out by the style sheet.
  const columns = narrow ? 2 : COLUMNS.length;
  const { first, end } = useVisibleRows(scroller, devices.length, rowHeight);
  const active = useSignal<string | undefined>(undefined);
  const toFocus = useRef<string | undefined>(undefined);
  const now = useNow();
  const rows = devices.slice(first, end);
  const names = rows.map(({ thing }) => thing).join(' ');

  useEffect(() => {
    // Who scrolls by quickly asks for nothing.
    const timer = setTimeout(() => fleet.look(names === '' ? [] : names.split(' ')), 150);
    return () => clearTimeout(timer);
  }, [fleet, names]);
  useEffect(() => () => fleet.look([]), [fleet]);

  useLayoutEffect(() => {
    if (toFocus.current === undefined) return;
    const link = scroller.current?.querySelector<HTMLElement>(
      `a[data-thing="${CSS.escape(toFocus.current)}"]`,
    );
    if (!link) return;
    toFocus.current = undefined;
    link.focus({ preventScroll: true });
  });

  const list = useRef(devices);
  list.current = devices;
  const goFrom = useCallback(
    (thing: string, key: string): boolean => {
      const all = list.current;
      const index = all.findIndex((device) => device.thing === thing);
      const target = indexAfter(key, index, all.length);
      const device = target === undefined ? undefined : all[target];
      const element = scroller.current;
      if (target === undefined || device === undefined || element === null) return false;
      active.value = device.thing;
      toFocus.current = device.thing;
      const head = element.querySelector('thead')?.clientHeight ?? 0;
      const top = target * rowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight > element.scrollTop + element.clientHeight - head) {
        element.scrollTop = top + rowHeight - element.clientHeight + head;
      }
      return true;
    },
    [active, rowHeight],
  );

  const activeThing = rows.some(({ thing }) => thing === active.value) ? active.value : rows[0]?.thing;
  return (
    <div class="table-scroller" ref={scroller}>
      <table class="devices" aria-rowcount={devices.length + 1} aria-label="Devices">
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <ColumnHead key={column.column} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Rest key={`before ${first}`} rows={first} height={rowHeight} columns={columns} />
          {rows.map((device, index) => (
            <DeviceRow
              key={device.thing}
              device={device}
              index={first + index}
              active={device.thing === activeThing}
              now={now}
              goFrom={goFrom}
            />
          ))}
          <Rest key={`after ${end}`} rows={devices.length - end} height={rowHeight} columns={columns} />
        </tbody>
      </table>
    </div>
  );
}

function indexAfter(key: string, index: number, count: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + PAGE,
    PageUp: index - PAGE,
    Home: 0,
    End: count - 1,
  };
  const target = steps[key];
  return target === undefined ? undefined : Math.min(Math.max(0, target), count - 1);
}

/** Stands for rows that are not in the document. Its key makes it another when they are: it did not move then. */
function Rest({ rows, height, columns }: { rows: number; height: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; it is empty
    <tr class="rest" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${rows * height}px` }} />
    </tr>
  );
}

function ColumnHead({ column: { key, label, column }, sort }: { column: Column; sort: Signal<ListSort> }) {
  if (key === undefined) {
    return (
      <th scope="col" class={`column-${column}`}>
        {label}
      </th>
    );
  }
  const sorted = sort.value.key === key;
  const { descending } = sort.value;
  return (
    <th
      scope="col"
      class={`column-${column}`}
      aria-sort={sorted ? (descending ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        class="sort"
        onClick={() => {
          sort.value = { key, descending: sorted ? !descending : false };
        }}
      >
        {label}
        <span class="sort-sign" aria-hidden="true">
          {sorted ? (descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  );
}

interface RowProps {
  device: FleetDevice;
  index: number;
  active: boolean;
  now: number;
  goFrom: (thing: string, key: string) => boolean;
}

const DeviceRow = memo(function DeviceRow({ device, index, active, now, goFrom }: RowProps) {
  const { thing, summary, details, led } = device;
  const connection =
    summary.connected === undefined ? 'unknown' : summary.connected ? 'connected' : 'disconnected';
  const expiry = expiryOf(device);
  const deployment = details?.deployments[0];
  return (
    <tr aria-rowindex={index + 2} class={index % 2 === 1 ? 'odd' : undefined}>
      <th scope="row" class="column-thing">
        <a
          href={hrefs.device(thing)}
          data-thing={thing}
          tabIndex={active ? 0 : -1}
          onKeyDown={(event) => {
            if (goFrom(thing, event.key)) event.preventDefault();
          }}
        >
          <span class={`dot dot-${connection}`} aria-hidden="true" />
          {thing}
        </a>
        <span class="row-sub" aria-hidden="true">
          {connection}
          {summary.health !== undefined && `, ${summary.health.toLowerCase()}`}
          {expiry !== undefined && `, expires ${ageOf(expiry, now)}`}
        </span>
      </th>
      <td class="column-connection">
        <span title={summary.connectionAt === undefined ? undefined : momentOf(summary.connectionAt)}>
          {connection}
          {summary.connectionAt !== undefined && (
            <small class="soft"> {durationOf(now - summary.connectionAt)}</small>
          )}
        </span>
      </td>
      <td class="column-health">
        {summary.health === undefined ? <span class="soft">–</span> : <Badge state={summary.health} />}
      </td>
      <td class="column-led">
        <span class="led-cell">
          <Led led={led} />
          <span class="number">{ledWords(led)}</span>
        </span>
      </td>
      <td class="column-components">
        <Components device={device} />
      </td>
      <td class="column-certificate">
        {expiry === undefined ? (
          <span class="soft">{details === undefined ? '…' : '–'}</span>
        ) : (
          <span title={`expires ${dayOf(expiry)}`} class={expiry - now < SOON ? 'text-warn' : undefined}>
            {ageOf(expiry, now)}
          </span>
        )}
      </td>
      <td class="column-rotation">
        {summary.rotation === undefined ? (
          <span class="soft">–</span>
        ) : (
          <Badge state={summary.rotation.stage} title={momentOf(summary.rotation.at)} />
        )}
      </td>
      <td class="column-deployment">
        {deployment === undefined ? (
          <span class="soft">{details === undefined ? '…' : '–'}</span>
        ) : (
          <Badge state={deployment.status} title={deployment.reason} />
        )}
      </td>
    </tr>
  );
});

/** Certificates that expire within this are pointed out; the audit rotates them before. */
const SOON = 30 * 86_400_000;

/** Without the word that all of ours begin with. */
function shortName(component: string): string {
  return component.replace(/^docker_/, '').replaceAll('_', ' ');
}

function Components({ device }: { device: FleetDevice }) {
  const components = device.details?.components;
  if (components === undefined) return <span class="soft">…</span>;
  const ours = components.filter(({ name }) => !name.startsWith('aws.'));
  if (ours.length === 0) return <span class="soft">none</span>;
  return (
    <span class="chips">
      {ours.map(({ name, version, state }) => (
        <span key={name} class={`chip chip-${state.toLowerCase()}`} title={`${name} ${version}: ${state}`}>
          {shortName(name)} <b>{version}</b>
        </span>
      ))}
    </span>
  );
}
