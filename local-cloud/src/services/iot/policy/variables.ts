import type { Variables } from './pattern.js';

/** What is known of a device that connects or calls. */
export interface ConnectionFacts {
  readonly sourceIp: string;
  /** Server name that the client asked for in its TLS handshake. */
  readonly domainName: string | undefined;
  /** Undefined outside of MQTT. */
  readonly clientId: string | undefined;
  /** The thing that the connection counts as; undefined when it is attached to none. */
  readonly thing:
    | {
        readonly thingName: string;
        readonly thingTypeName?: string;
        readonly attributes: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly certificate: CertificateFacts | undefined;
  /** Identity of Amazon Cognito that the credentials are for. */
  readonly cognitoIdentityId?: string | undefined;
}

/** What policy variables tell of a client certificate. */
export interface CertificateFacts {
  readonly certificateId: string;
  readonly serialNumber: string;
  /** By the variables' names of the attributes: `CommonName`, `Organization` … */
  readonly subject: Readonly<Record<string, string>>;
  readonly issuer: Readonly<Record<string, string>>;
}

const ATTRIBUTE = /^iot:Connection\.Thing\.Attributes\[([^\]]+)\]$/;
const NAME_PART = /^iot:Certificate\.(Subject|Issuer)\.([A-Za-z]+)(?:\.0)?$/;

/**
 * The policy variables of AWS IoT (AWS IoT developer guide, "Basic AWS IoT Core policy variables", "Thing policy
 * variables", "X.509 Certificate AWS IoT Core policy variables").
 */
export function policyVariables(facts: ConnectionFacts): Variables {
  const { thing, certificate, clientId } = facts;
  return (name) => {
    switch (name) {
      case 'iot:ClientId':
        return clientId;
      case 'aws:SourceIp':
      case 'iot:SourceIp':
        return facts.sourceIp;
      case 'iot:DomainName':
        return facts.domainName;
      case 'iot:Connection.Thing.ThingName':
        return thing?.thingName;
      case 'iot:Connection.Thing.ThingTypeName':
        return thing?.thingTypeName;
      case 'iot:Connection.Thing.IsAttached':
        return clientId === undefined ? undefined : String(thing !== undefined);
      case 'iot:CertificateId':
        return certificate?.certificateId;
      case 'cognito-identity.amazonaws.com:sub':
        return facts.cognitoIdentityId;
      case 'iot:Certificate.Available':
        return String(certificate !== undefined);
      case 'iot:Certificate.SerialNumber':
        return certificate?.serialNumber;
    }
    const attribute = ATTRIBUTE.exec(name)?.[1];
    if (attribute !== undefined) return own(thing?.attributes, attribute);
    const [, holder, part = ''] = NAME_PART.exec(name) ?? [];
    if (holder === 'Subject') return own(certificate?.subject, part);
    if (holder === 'Issuer') return own(certificate?.issuer, part);
    return undefined;
  };
}

/** A member that the map itself has, not one that all objects have. */
function own(map: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  return map && Object.hasOwn(map, name) ? map[name] : undefined;
}
