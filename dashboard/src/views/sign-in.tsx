import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { CloudProblem, sentenceOf } from '../cloud/problem.js';
import type { NewPasswordWanted } from '../cloud/user-pool.js';
import { hrefs } from '../model/route.js';
import { useDashboard, useTitle } from './context.js';

/** User name and password; a password of one's own where the user pool wants it. */
export function SignInPage() {
  const { session, config } = useDashboard();
  const wanted = useSignal<NewPasswordWanted | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  useTitle('Sign in');
  const visitor = session.visitor.value;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    const form = new FormData(event.target);
    const field = (name: string) => String(form.get(name) ?? '');
    busy.value = true;
    problem.value = undefined;
    try {
      if (wanted.value !== undefined) await session.chooseNewPassword(wanted.value, field('new-password'));
      else wanted.value = await session.signIn(field('user').trim(), field('password'));
      if (wanted.value === undefined || session.visitor.value.kind === 'user') location.hash = hrefs.fleet;
    } catch (error) {
      problem.value = readable(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <section class="sign-in" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">Sign in</h1>
      <p class="soft">
        {config.guests
          ? 'Guests may look; operators sign in to act.'
          : `This is the stack ${config.stack}: sign in to see its fleet.`}
      </p>
      {visitor.kind === 'nobody' && visitor.problem !== undefined && (
        <p class="answer answer-bad">{visitor.problem}</p>
      )}
      <form onSubmit={submit}>
        {wanted.value === undefined ? (
          <>
            <Field name="user" label="User name" autocomplete="username" first />
            <Field name="password" label="Password" autocomplete="current-password" secret />
          </>
        ) : (
          <>
            <p>Choose a password of your own: the one you have was given to you by somebody else.</p>
            <Field name="new-password" label="New password" autocomplete="new-password" secret first />
          </>
        )}
        <button type="submit" class="button button-primary" disabled={busy.value}>
          {wanted.value === undefined ? 'Sign in' : 'Set the password'}
        </button>
        <p class="answer-place" role="alert">
          {problem.value !== undefined && <span class="answer answer-bad">{problem.value}</span>}
        </p>
      </form>
    </section>
  );
}

interface FieldProps {
  name: string;
  label: string;
  autocomplete: 'username' | 'current-password' | 'new-password';
  secret?: boolean;
  first?: boolean;
}

function Field({ name, label, autocomplete, secret = false, first = false }: FieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (first) input.current?.focus();
  }, [first]);
  const common = {
    ref: input,
    name,
    autocomplete,
    autocapitalize: 'none',
    spellcheck: false,
    required: true,
  } as const;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the input is in it, of one type or the other
    <label class="field">
      <span>{label}</span>
      {secret ? <input {...common} type="password" /> : <input {...common} type="text" />}
    </label>
  );
}

function readable(error: unknown): string {
  if (!(error instanceof CloudProblem)) return sentenceOf(error);
  switch (error.code) {
    case 'NotAuthorizedException':
    case 'UserNotFoundException':
      return 'User name or password is wrong, or the account is disabled.';
    case 'PasswordResetRequiredException':
      return 'Your password must be reset: ask who runs this stack.';
    case 'TooManyRequestsException':
    case 'LimitExceededException':
      return 'Too many tries: wait a little.';
    default:
      return error.message;
  }
}
