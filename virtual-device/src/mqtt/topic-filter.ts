/** Whether a topic matches a topic filter [MQTT 5, section 4.7]; `$…` topics only match filters that spell the `$`. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '#' || wanted[0] === '+')) return false;
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '#') return true;
    if (index >= levels.length) return false;
    if (wanted[index] !== '+' && wanted[index] !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

/** The filter that decides which topics a subscription gets: without `$share/{group}/` [MQTT 5, section 4.8.2]. */
export function effectiveFilter(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, '');
}
