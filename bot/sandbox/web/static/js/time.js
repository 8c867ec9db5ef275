/** Moments in words, and the page's view of the server's clock. */

const LOCALE = "en-GB";
const STYLES = {
  t: { hour: "2-digit", minute: "2-digit" },
  T: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  d: { day: "2-digit", month: "2-digit", year: "numeric" },
  D: { day: "numeric", month: "long", year: "numeric" },
  f: { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  F: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  s: { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" },
  S: { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
};
const FORMATS = new Map(
  Object.entries(STYLES).map(([style, options]) => [style, new Intl.DateTimeFormat(LOCALE, options)]),
);
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

let ahead = 0;

/** Takes over the server's clock: `at` is its time now, in milliseconds. */
export function setClock(at) {
  ahead = at - Date.now();
}

/** Milliseconds since 1970, on the server's clock. */
export function now() {
  return Date.now() + ahead;
}

/** Whether Discord has this style of timestamp. */
export function isStyle(style) {
  return style === "R" || FORMATS.has(style);
}

/** A moment (milliseconds) in one of Discord's styles. */
export function moment(at, style = "f") {
  return style === "R" ? relative(at) : FORMATS.get(style).format(at);
}

/** "in 5 minutes", "12 seconds ago". */
export function relative(at) {
  const seconds = Math.round((at - now()) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

/** "14:05" today, "Yesterday at 14:05", else the date. */
export function stamp(at) {
  const days = dayNumber(now()) - dayNumber(at);
  if (days === 0) return moment(at, "t");
  return days === 1 ? `Yesterday at ${moment(at, "t")}` : `${moment(at, "d")} ${moment(at, "t")}`;
}

/** Counts local days, to tell whether two moments are on the same one. */
export function dayNumber(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** "1.4 MB". */
export function bytes(size) {
  if (!Number.isFinite(size)) return "";
  const [unit, divisor] = size >= 1e6 ? ["MB", 1e6] : size >= 1e3 ? ["kB", 1e3] : ["bytes", 1];
  return `${(size / divisor).toFixed(divisor === 1 || size / divisor >= 100 ? 0 : 1)} ${unit}`;
}

/** "1 message", "2 messages". */
export function counted(count) {
  return `${count} message${count === 1 ? "" : "s"}`;
}
