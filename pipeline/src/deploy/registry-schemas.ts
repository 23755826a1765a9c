import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeTypeCommand,
} from '@aws-sdk/client-cloudformation';
import { MooringError } from '../errors.js';
import { parseResourceSchema, type ResourceSchema, type Schemas } from './resource-schema.js';

/**
 * Resource schemas from the CloudFormation registry, each asked for once.
 *
 * @returns a function that rejects with MooringError `TypeNotFound` for a type that the registry does not have.
 */
export function registrySchemas(client: CloudFormationClient): Schemas {
  const known = new Map<string, Promise<ResourceSchema>>();
  return (typeName) => {
    const schema = known.get(typeName) ?? describe(client, typeName);
    known.set(typeName, schema);
    return schema;
  };
}

async function describe(client: CloudFormationClient, typeName: string): Promise<ResourceSchema> {
  try {
    const { Schema } = await client.send(new DescribeTypeCommand({ Type: 'RESOURCE', TypeName: typeName }));
    return parseResourceSchema(typeName, Schema ?? '');
  } catch (error) {
    if (error instanceof CloudFormationServiceException && error.name === 'TypeNotFoundException') {
      throw new MooringError('TypeNotFound', `This cloud has no resource type ${typeName}: ${error.message}`);
    }
    throw error;
  }
}
