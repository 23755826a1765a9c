import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { browserFrames } from '../model/frames.js';
import { MessageLog } from '../model/messages.js';
import { useDashboard } from './context.js';

const TIME = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** The messages from and to the device, as they pass. */
export function MessagesPanel({ thing }: { thing: string }) {
  const { live } = useDashboard();
  const paused = useSignal(false);
  const log = useMemo(() => new MessageLog(browserFrames), []);
  useEffect(
    () =>
      live.subscribe([`device/${thing}/#`, `lambda/${thing}/#`], (message) => {
        if (!paused.peek()) log.add(message);
      }),
    [live, thing, log, paused],
  );
  const messages = log.shown.value;
  return (
    <section class="panel panel-messages" aria-labelledby="messages-title">
      <div class="panel-head">
        <h2 id="messages-title">Messages</h2>
        <span class="panel-actions">
          <button
            type="button"
            class="link-button"
            aria-pressed={paused.value}
            onClick={() => {
              paused.value = !paused.value;
            }}
          >
            {paused.value ? 'Go on' : 'Pause'}
          </button>
          <button type="button" class="link-button" onClick={() => log.clear()}>
            Clear
          </button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <ol class="messages mono" tabIndex={0} aria-label="Messages, newest first">
        {messages.length === 0 && (
          <li class="soft messages-none">
            {paused.value
              ? 'Paused.'
              : 'Listening. Messages to and from the device appear here as they pass.'}
          </li>
        )}
        {messages.map((message) => (
          <li key={message.id}>
            <time dateTime={new Date(message.at).toISOString()}>{TIME.format(message.at)}</time>
            <span class={message.toDevice ? 'to-device' : 'from-device'}>
              {message.toDevice ? 'to device' : 'from device'}
            </span>
            <b>{message.topic}</b>
            <span class="payload">{message.payload}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
