/** Files in messages: pictures, videos that play, and everything else as a card. */

import { h, tint, webAddress } from "./dom.js";
import { icon } from "./icons.js";
import { spoiler } from "./markdown.js";
import { bytes } from "./time.js";

const VIDEO_NAME = /\.(mp4|webm|mov)$/i;
const PICTURE_NAME = /\.(png|jpe?g|gif|webp)$/i;

/** The files under a message. */
export function attachments(files) {
  return h("div", { class: "attachments" }, files.map(attachment));
}

function attachment(file) {
  const name = file.title ? `${file.title}${extension(file.filename)}` : file.filename;
  const media = { url: file.url, content_type: file.content_type, width: file.width, height: file.height, name, size: file.size };
  const shown = mediaNode(media, file.description) ?? fileCard(media);
  return file.filename.startsWith("SPOILER_") ? spoiler(shown, { block: true }) : shown;
}

function extension(filename) {
  return /\.[^.]*$/.exec(filename)?.[0] ?? "";
}

/** A picture or a video; null for anything else. */
export function mediaNode(media, description = null) {
  const url = address(media.url);
  const name = media.name ?? new URL(url ?? location.href, location.href).pathname;
  if (!url) return null;
  if (media.content_type ? media.content_type.startsWith("video/") : VIDEO_NAME.test(name)) return video(url, media, description);
  if (media.content_type ? media.content_type.startsWith("image/") : PICTURE_NAME.test(name)) return picture(url, media, description);
  return null;
}

function video(url, media, description) {
  const label = description || media.name || "Video";
  const player = h("video", { controls: true, preload: "metadata", playsinline: true, src: url, "aria-label": label });
  // Without its size, the place that the video will take is not known: it is told once it loads.
  const frame = sized(h("figure", { class: "media media-video" }, player), media);
  player.addEventListener("loadedmetadata", () => {
    if (player.videoWidth) tint(frame, "--ratio", `${player.videoWidth} / ${player.videoHeight}`);
  });
  const failed = () => frame.append(h("p", { class: "media-failed", role: "alert" }, "This video cannot be played here."));
  player.addEventListener("error", failed, { once: true });
  if (media.name) frame.append(caption(url, media));
  return frame;
}

function caption(url, media) {
  const size = Number.isFinite(media.size) ? bytes(media.size) : "";
  return h("figcaption", { class: "media-caption" }, h("a", { class: "link", href: url, download: media.name }, media.name), h("span", {}, size));
}

function picture(url, media, description) {
  const image = h("img", { src: url, alt: description || media.name || "Picture", loading: "lazy", width: media.width, height: media.height });
  return sized(h("a", { class: "media media-picture", href: url, target: "_blank", rel: "noopener noreferrer" }, image), media);
}

function sized(frame, { width, height }) {
  if (!width || !height) return frame;
  tint(frame, "--ratio", `${width} / ${height}`);
  return tint(frame, "--natural", `${width}px`);
}

/** A file that is only to be fetched. */
export function fileCard({ url, name, size }) {
  const href = address(url);
  return h(
    "div",
    { class: "file-card" },
    icon("file", 28),
    h(
      "div",
      { class: "file-words" },
      href ? h("a", { class: "link", href, download: name }, name) : h("span", {}, name),
      h("span", { class: "file-size" }, Number.isFinite(size) ? bytes(size) : ""),
    ),
    href && h("a", { class: "icon-button", href, download: name, "aria-label": `Download ${name}` }, icon("download")),
  );
}

/** A web address, or one of this server's own. */
function address(url) {
  if (typeof url !== "string") return null;
  return url.startsWith("/") && !url.startsWith("//") ? url : webAddress(url);
}
