// Returns what is wrong with the page for people who read it otherwise; see readable.py.
([least, leastLarge]) => {
  const found = [];
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !node.closest("[inert], .visually-hidden, .skip");
  const labelled = (node) =>
    (node.getAttribute("aria-labelledby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent ?? "")
      .join("");
  const name = (node) =>
    (
      node.ariaLabel ||
      labelled(node) ||
      [...(node.labels ?? [])].map((label) => label.textContent).join("") ||
      node.textContent.trim() ||
      node.querySelector("img[alt]")?.alt ||
      node.title ||
      ""
    ).trim();
  const says = (node) => `${node.outerHTML.slice(0, 120)}`;

  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice: #${id}`);
  const controls = "button, a[href], input, select, textarea, video, dialog";
  const roles = "[role=button], [role=combobox], [role=listbox]";
  for (const node of document.querySelectorAll(`${controls}, ${roles}`))
    if (shown(node) && !name(node)) found.push(`no name: ${says(node)}`);
  for (const node of document.querySelectorAll("img"))
    if (!node.hasAttribute("alt")) found.push(`no alt: ${says(node)}`);
  const references = ["aria-controls", "aria-labelledby", "aria-describedby", "aria-activedescendant"];
  for (const kind of references)
    for (const node of document.querySelectorAll(`[${kind}]`))
      for (const id of (node.getAttribute(kind) ?? "").split(" ").filter(Boolean))
        if (!document.getElementById(id)) found.push(`${kind} leads nowhere: ${says(node)}`);
  for (const list of document.querySelectorAll("ul:not([role]), ol:not([role])"))
    for (const entry of list.children)
      if (entry.localName !== "li" || entry.hasAttribute("role")) found.push(`no list entry: ${says(entry)}`);
  if (document.querySelectorAll("main").length !== 1 || document.querySelectorAll("h1").length !== 1)
    found.push("not one main and one h1");

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const colour = rgba(style.backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !shown(node)) continue;
    // WCAG asks nothing of what is disabled; initials only repeat the name beside them.
    if (node.closest(":disabled, script, noscript, .avatar, option")) continue;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const under = ground(node);
    if (!under || size === 0) continue;
    const [a, b] = [light(over(rgba(style.color), under)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? leastLarge : least))
      found.push(`contrast ${ratio.toFixed(2)}: "${text.slice(0, 40)}" in ${says(node)}`);
  }
  return [...new Set(found)];
}
