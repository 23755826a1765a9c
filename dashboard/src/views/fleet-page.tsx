import { useComputed, useSignal } from '@preact/signals';
import { countsOf, type ListFilter, type ListSort, listOf } from '../model/device-list.js';
import { counted } from '../model/words.js';
import { useDashboard, useTitle } from './context.js';
import { DeviceTable } from './device-table.js';
import { FleetSummary } from './fleet-summary.js';
import { Empty, Failed, Loading } from './states.js';

const SHOW_LABELS: Record<ListFilter['show'], string> = {
  all: 'All devices',
  connected: 'Connected',
  disconnected: 'Not connected',
  healthy: 'Healthy',
  unhealthy: 'Unhealthy',
  rotating: 'Rotating',
};

/** The whole fleet: counts, and the list. */
export function FleetPage() {
  const { fleet } = useDashboard();
  const filter = useSignal<ListFilter>({ text: '', show: 'all' });
  const sort = useSignal<ListSort>({ key: 'thing', descending: false });
  useTitle('Fleet');
  const counts = useComputed(() => {
    fleet.version.value;
    return countsOf(fleet.all());
  });
  const list = useComputed(() => {
    fleet.version.value;
    return listOf(fleet.all(), filter.value, sort.value);
  });
  const reading = fleet.reading.value;
  const shown = list.value.length;
  const show = (which: ListFilter['show']) => {
    filter.value = { ...filter.value, show: which };
  };

  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <h1 id="fleet-title" class="visually-hidden">
        Fleet
      </h1>
      <FleetSummary counts={counts.value} show={show} />
      <div class="toolbar">
        <label class="search">
          <span class="visually-hidden">Find devices by name</span>
          <input
            type="search"
            placeholder="Find by serial number"
            value={filter.value.text}
            onInput={(event) => {
              filter.value = { ...filter.value, text: event.currentTarget.value };
            }}
          />
        </label>
        <select
          aria-label="Show"
          value={filter.value.show}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            if (chosen in SHOW_LABELS) show(chosen as ListFilter['show']);
          }}
        >
          {Object.entries(SHOW_LABELS).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <p class="toolbar-note" role="status">
          {reading.state === 'reading'
            ? `reading the list: ${counted(reading.count, 'device')}`
            : shown === counts.value.devices
              ? counted(shown, 'device')
              : `${shown.toLocaleString('en')} of ${counted(counts.value.devices, 'device')}`}
        </p>
      </div>
      {reading.state === 'failed' && (
        <Failed what="The list of devices could not be read" problem={reading.problem} />
      )}
      {shown > 0 ? (
        <DeviceTable devices={list.value} sort={sort} />
      ) : reading.state === 'reading' ? (
        <Loading what="Reading the list of devices" />
      ) : counts.value.devices > 0 ? (
        <Empty>No device is like this. Change the name or the choice above.</Empty>
      ) : (
        reading.state === 'complete' && (
          <Empty>
            No device has joined this fleet. Allow a serial number under Access, and start the device.
          </Empty>
        )
      )}
    </section>
  );
}
