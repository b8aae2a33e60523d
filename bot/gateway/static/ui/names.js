// Names as people can trust them: what is invisible is made visible, what is long stays whole.

const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** A name with its control, zero-width and tag characters spelled out. */
export function visible(name) {
  return String(name ?? "").replace(INVISIBLE, (one) => `‹U+${one.codePointAt(0).toString(16).toUpperCase()}›`);
}

/** The host of a web address, in punycode where it is not plain ASCII; "" if it has none. */
export function hostOf(address) {
  try {
    return new URL(address).host;
  } catch {
    return "";
  }
}

const WEB = "webchat";

/** The channel a place belongs to, or null for this page and the terminal. */
export const channelOf = (place) => (place && place.channel !== WEB ? place.channel : null);

/** The letter and colour class of a channel. */
export function channelMark(channel) {
  const name = channel ?? "web";
  return { letter: name[0].toUpperCase(), hue: [...name].reduce((sum, one) => sum + one.codePointAt(0), 0) % 6 };
}

/** A session's name without its agent's, which is shown once above the list. */
export function shortName(session, agent) {
  const name = session.label || session.displayName || session.sessionKey;
  const prefix = agent ? `${agent.name} / ` : "";
  return visible(prefix && name.startsWith(prefix) ? name.slice(prefix.length) : name);
}
