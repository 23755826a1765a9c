import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { counted } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { useDashboard } from './context.js';

/** What came of a removal, in words. */
export interface Removed {
  words: string;
}

interface RemoveDeviceProps {
  serial: string;
  removed: Signal<Removed | undefined>;
  /** One of many. */
  quiet?: boolean;
}

/** Takes a device off the allowlist, after its serial number was typed. */
export function RemoveDevice({ serial, removed, quiet = false }: RemoveDeviceProps) {
  const open = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        ref={button}
        type="button"
        class={`${quiet ? 'link-button' : 'button'} button-danger`}
        aria-label={`Remove ${serial}`}
        aria-haspopup="dialog"
        onClick={() => {
          open.value = true;
        }}
      >
        Remove
      </button>
      {open.value && (
        <RemoveDialog
          serial={serial}
          removed={removed}
          close={() => {
            open.value = false;
            button.current?.focus();
          }}
        />
      )}
    </>
  );
}

interface RemoveDialogProps {
  serial: string;
  removed: Signal<Removed | undefined>;
  close: () => void;
}

function RemoveDialog({ serial, removed, close }: RemoveDialogProps) {
  const { api, fleet } = useDashboard();
  const dialog = useRef<HTMLDialogElement>(null);
  const typed = useSignal('');
  const action = useAction();
  const title = useId();
  useEffect(() => dialog.current?.showModal(), []);

  const remove = () =>
    void action.run('removing the device', async () => {
      const { certificates = [], changed } = await api.remove(serial);
      const revoked = certificates.map((id) => id.slice(0, 8)).join(', ');
      const words = `${serial} ${changed ? 'was removed' : 'was off the list before'}; ${
        certificates.length === 0
          ? 'it had no certificate to revoke'
          : `${counted(certificates.length, 'certificate')} revoked: ${revoked}`
      }.`;
      removed.value = { words };
      close();
      // Whether the device is gone, the cloud says.
      await fleet.refresh(serial).catch(() => undefined);
      return words;
    });

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={title} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.value === serial) remove();
        }}
      >
        <h2 id={title}>Remove {serial}?</h2>
        <p>
          It leaves the allowlist, its certificates are revoked and deleted, and it is disconnected. To come
          back it has to be allowed and to provision itself anew.
        </p>
        <label class="field">
          <span>Type its serial number to confirm</span>
          <input
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={typed.value}
            onInput={(event) => {
              typed.value = event.currentTarget.value.trim();
            }}
          />
        </label>
        <Answer outcome={action.outcome} />
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>
            Keep it
          </button>
          <button type="submit" class="button button-danger" disabled={typed.value !== serial || action.busy}>
            Remove it
          </button>
        </div>
      </form>
    </dialog>
  );
}
