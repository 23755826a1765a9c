import { z } from 'zod';
import type { Clock } from '../../clock.js';
import { LocalCloudError } from '../../errors.js';
import type { PathHandler } from '../../http/front.js';
import { isFromThisMachine } from '../../http/loopback.js';
import { type HttpRequest, type HttpResponse, readBody } from '../../http/messages.js';
import { DEVICE_CERTIFICATE_END } from './pki.js';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PATH = '/_local/certificate-validity';
/** Bytes of a body that are read. */
const LONGEST_BODY = 1024;

/**
 * Reads a duration such as `20d`, `36h`, `30m` or `90s`.
 *
 * @returns milliseconds, at least 1000.
 * @throws LocalCloudError `InvalidOption` when the text is none, or is more than 100 years.
 */
export function parseValidity(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,9})([smhd])$/.exec(text) ?? [];
  const duration = Number(number) * (UNITS[unit] ?? 0);
  if (duration >= 1000 && duration <= 36_525 * 86_400_000) return duration;
  throw new LocalCloudError(
    'InvalidOption',
    `'${text}' is no validity of certificates; it is a number and a unit, such as 20d, 36h, 30m or 90s, up to 36525d`,
  );
}

/**
 * How long device certificates that are made from now on are valid. AWS IoT's own run to the end of 2049; tests and
 * demonstrations need some that expire.
 */
export class CertificateValidity {
  #text: string | undefined;

  /** @param initial a duration; undefined is AWS IoT's end of 2049. @throws LocalCloudError `InvalidOption` */
  constructor(
    private readonly clock: Clock,
    initial: string | undefined,
  ) {
    this.set(initial);
  }

  /** @throws LocalCloudError `InvalidOption` */
  set(text: string | undefined): void {
    if (text !== undefined) parseValidity(text);
    this.#text = text;
  }

  /** When a certificate that is made now ends, in milliseconds since 1970. X.509 knows whole seconds only. */
  end(): number {
    if (this.#text === undefined) return DEVICE_CERTIFICATE_END;
    return Math.floor((this.clock.now() + parseValidity(this.#text)) / 1000) * 1000;
  }

  /** `GET` and `PUT /_local/certificate-validity`, with `{"certificateValidity": "20d"}` or null for AWS's own. */
  readonly path: PathHandler = {
    prefix: PATH,
    handle: async (request) => {
      if (request.path !== PATH) return answer(404, { message: `There is nothing at ${request.path}` });
      if (!isFromThisMachine(request)) {
        return answer(403, { message: 'Only clients on this machine may see or set this' });
      }
      if (request.method === 'GET') return this.#answer();
      if (request.method === 'PUT') return this.#put(request);
      return { ...answer(405, { message: 'GET or PUT' }), headers: { ...JSON_TYPE, allow: 'GET, PUT' } };
    },
  };

  async #put(request: HttpRequest): Promise<HttpResponse> {
    try {
      const body = await readBody(
        request,
        LONGEST_BODY,
        (limit) => new LocalCloudError('InvalidOption', `The body must not be longer than ${limit} bytes`),
      );
      this.set(readBodyText(Buffer.from(body).toString('utf8')));
    } catch (error) {
      if (error instanceof LocalCloudError) return answer(400, { message: error.message });
      throw error;
    }
    return this.#answer();
  }

  #answer(): HttpResponse {
    return answer(200, { certificateValidity: this.#text ?? null });
  }
}

const bodySchema = z.strictObject({ certificateValidity: z.string().nullable() });

function readBodyText(text: string): string | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    data = undefined;
  }
  const result = bodySchema.safeParse(data);
  if (result.success) return result.data.certificateValidity ?? undefined;
  throw new LocalCloudError(
    'InvalidOption',
    'The body is to be {"certificateValidity": "20d"}, or null for the validity that AWS IoT gives',
  );
}

const JSON_TYPE = { 'content-type': 'application/json' };

function answer(status: number, body: object): HttpResponse {
  return { status, headers: { ...JSON_TYPE }, body: JSON.stringify(body) };
}
