import { tagList } from '../../tags.js';
import { methodNotAllowed, noSuchKey, noSuchVersion } from './errors.js';
import { OBJECT_TAG_LIMIT, tagsFromSet } from './object-description.js';
import { versionOf } from './object-reads.js';
import type { S3Operations, S3State } from './state.js';

/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
export function objectTagging({ buckets, objects, base }: S3State): S3Operations {
  function find(name: string, key: string, versionId: string | undefined) {
    const bucket = buckets.get(name);
    const object =
      versionId === undefined ? objects.current(name, key) : objects.version(name, key, versionId);
    if (!object) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
    if (object.deleteMarker) {
      throw versionId === undefined ? noSuchKey(key) : methodNotAllowed('GET', 'DeleteMarker');
    }
    return { bucket, object };
  }

  function setTags(name: string, key: string, versionId: string | undefined, tags: Record<string, string>) {
    return base.store.transaction(() => {
      const { bucket, object } = find(name, key, versionId);
      objects.amend(name, key, { ...object, tags });
      return versionOf(bucket, object);
    });
  }

  return {
    GetObjectTagging({ Bucket: name = '', Key: key = '', VersionId }) {
      const { bucket, object } = find(name, key, VersionId);
      const tags = tagList(object.tags);
      return { TagSet: tags, ...versionOf(bucket, object) };
    },
    PutObjectTagging: ({ Bucket: name = '', Key: key = '', VersionId, Tagging }) =>
      setTags(name, key, VersionId, tagsFromSet(Tagging?.TagSet ?? [], OBJECT_TAG_LIMIT)),
    DeleteObjectTagging: ({ Bucket: name = '', Key: key = '', VersionId }) =>
      setTags(name, key, VersionId, {}),
  };
}
