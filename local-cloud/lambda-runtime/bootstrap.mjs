// What runs in the process of a Lambda function: loads the handler and calls it for each event.
// Plain JavaScript, as Node.js starts it by itself, beside the process of the local cloud.
//
// File descriptors: 3 takes this program's messages, 4 gives it the events, 5 ends when the local cloud does.
// All messages and events are JSON, one a line.

import { existsSync, readFileSync, statSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { Worker } from 'node:worker_threads';

const MESSAGES = 3;
const EVENTS = 4;
const taskRoot = process.env.LAMBDA_TASK_ROOT ?? process.cwd();
/** Largest response in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const RESPONSE_LIMIT = 6_291_556;

/** The event that is being handled. */
let current;

const events = new Socket({ fd: EVENTS, readable: true, writable: false });

/**
 * Ends this process and all that it started when the local cloud ends, however that comes about. In a thread
 * of its own, as the function's code may keep this one busy.
 */
function watchOver() {
  const watch = `
    const { Socket } = require('node:net');
    const lifeline = new Socket({ fd: 5, readable: true, writable: false });
    const end = () => process.kill(-process.pid, 'SIGKILL');
    lifeline.on('end', end).on('error', end).resume();
  `;
  new Worker(watch, { eval: true, env: {}, stdin: false }).unref();
}

/** Sends a message at once: what a function wrote before it was killed must not be lost. */
function send(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(MESSAGES, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Makes console calls one log event each, with time, request and level before the message, as Lambda does. */
function patchOutput() {
  const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', trace: 'TRACE', warn: 'WARN', error: 'ERROR' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => {
      const request = current?.requestId ?? 'undefined';
      const text = format(...values).replaceAll('\n', '\r');
      send({ type: 'log', text: `${new Date().toISOString()}\t${request}\t${level}\t${text}` });
    };
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk, encoding, callback) => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      send({ type: 'output', text });
      const done = typeof encoding === 'function' ? encoding : callback;
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
  }
}

/** The function's handler; undefined when it cannot be loaded, which is then said. */
async function load() {
  const started = performance.now();
  try {
    const found = await resolveHandler(process.env._HANDLER ?? '');
    send({ type: 'ready', duration: performance.now() - started });
    return found;
  } catch (error) {
    const failure = describe(error);
    console.error(`Uncaught Exception \t${JSON.stringify(logged(error, failure))}`);
    send({ type: 'initError', error: failure });
    return undefined;
  }
}

class RuntimeError extends Error {
  constructor(type, message) {
    super(message);
    this.name = `Runtime.${type}`;
  }
}

/** `directory/file.export`, where the export may be a member of another: `index.handlers.main`. */
async function resolveHandler(name) {
  if (name.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const file = basename(name);
  const dot = file.indexOf('.');
  if (dot < 1 || dot === file.length - 1) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const module = await loadModule(join(dirname(name), file.slice(0, dot)));
  const path = file.slice(dot + 1).split('.');
  const find = (root) => path.reduce((value, part) => value?.[part], root);
  const found = find(module) ?? find(module?.default);
  if (found === undefined) throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`);
  return found;
}

async function loadModule(name) {
  const path = ['.js', '.mjs', '.cjs', '']
    .map((extension) => resolve(taskRoot, name + extension))
    .find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (!path) {
    throw new RuntimeError(
      'ImportModuleError',
      `Error: Cannot find module '${basename(name)}' in ${taskRoot}`,
    );
  }
  try {
    if (extname(path) === '.mjs' || (extname(path) === '.js' && isModulePackage(path))) {
      return await import(pathToFileURL(path).href);
    }
    return createRequire(path)(path);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw Object.assign(new RuntimeError('UserCodeSyntaxError', String(error)), { stack: error.stack });
    }
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw Object.assign(new RuntimeError('ImportModuleError', String(error)), { stack: error.stack });
    }
    throw error;
  }
}

/** Whether the nearest package.json in the package says that its .js files are ECMAScript modules. */
function isModulePackage(path) {
  for (
    let directory = dirname(path);
    (directory + sep).startsWith(taskRoot + sep);
    directory = dirname(directory)
  ) {
    const file = join(directory, 'package.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type === 'module';
  }
  return false;
}

function serve(handler) {
  process.on('uncaughtException', (error) => die(error, 'Uncaught Exception'));
  process.on('unhandledRejection', (reason) => {
    const error = new RuntimeError('UnhandledPromiseRejection', String(reason));
    if (reason instanceof Error) error.stack = reason.stack;
    die(error, 'Unhandled Promise Rejection');
  });
  // Nothing of the function is left to run: what it gave to its callback is the result, or null.
  process.on('beforeExit', () => {
    events.ref();
    current?.finish(current.callbackResult ?? { value: null });
  });
  events.on('end', () => process.exit(0)).on('error', () => process.exit(1));
  createInterface({ input: events, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
    void invoke(handler, JSON.parse(line));
  });
}

function die(error, what) {
  const failure = describe(error);
  console.error(`${what} \t${JSON.stringify(logged(error, failure))}`);
  send({ type: 'error', requestId: current?.requestId, error: failure, memory: memory(), fatal: true });
  process.exit(129);
}

async function invoke(handler, request) {
  const deadline = performance.now() + request.remaining;
  const invocation = { requestId: request.requestId, callbackResult: undefined, finish };
  current = invocation;
  // While the function works, only its own work keeps the process going; see `beforeExit`.
  events.unref();

  function finish(result) {
    if (current !== invocation) return;
    events.ref();
    respond(request.requestId, result);
    current = undefined;
  }
  const settle = (error, value) => {
    const result = error === undefined || error === null ? { value } : { error };
    if (context.callbackWaitsForEmptyEventLoop) invocation.callbackResult ??= result;
    else finish(result);
  };
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: request.functionArn,
    awsRequestId: request.requestId,
    clientContext: request.clientContext,
    identity: undefined,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
    done: settle,
    succeed: (value) => settle(null, value),
    fail: (error) => settle(error ?? 'handled'),
  };
  try {
    const returned = handler(JSON.parse(request.event), context, settle);
    if (typeof returned?.then === 'function') finish({ value: await returned });
  } catch (error) {
    finish({ error });
  }
}

function respond(requestId, result) {
  let { error } = result;
  if (error === undefined) {
    try {
      const payload = JSON.stringify(result.value) ?? 'null';
      if (Buffer.byteLength(payload) <= RESPONSE_LIMIT) {
        send({ type: 'result', requestId, payload, memory: memory() });
        return;
      }
      error = new Error(
        `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT} bytes).`,
      );
      error.name = 'Function.ResponseSizeTooLarge';
    } catch {
      error = new RuntimeError('MarshalError', 'Unable to stringify response body');
    }
  }
  const failure = describe(error);
  console.error(`Invoke Error \t${JSON.stringify(logged(error, failure))}`);
  send({ type: 'error', requestId, error: failure, memory: memory() });
}

/** An error as Lambda answers it. */
function describe(error) {
  if (error instanceof Error) {
    return {
      errorType: error.name,
      errorMessage: error.message,
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

/** An error as Lambda logs it. */
function logged(error, { errorType, errorMessage, trace }) {
  const own = error instanceof Error ? { ...error } : {};
  return { errorType, errorMessage, ...own, stack: trace };
}

/** Largest resident set so far, in MB. */
function memory() {
  return Math.ceil(process.resourceUsage().maxRSS / 1024);
}

watchOver();
patchOutput();
const handler = await load();
if (handler) serve(handler);
