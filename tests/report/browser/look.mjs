// Opens pages in a browser and says, as JSON, what was seen:
//
//     node look.mjs CHROMIUM DIRECTORY FILE...
//
// In DIRECTORY it leaves pictures of each page in each view, and the page on paper, for people.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [executablePath, directory, ...files] = process.argv.slice(2);

const VIEWS = {
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light" },
  "phone-dark": { viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  tablet: { viewport: { width: 820, height: 1180 }, colorScheme: "light" },
  "tablet-dark": { viewport: { width: 820, height: 1180 }, colorScheme: "dark" },
  wide: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  "wide-dark": { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  bare: { viewport: { width: 1280, height: 900 }, colorScheme: "light", javaScriptEnabled: false },
};

/** Where axe-core looks, which takes seconds: at all views of the first page, and these of others. */
const AXED = ["phone", "wide-dark"];
const PRINTED = ["phone-dark", "wide", "bare"];

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", // it may be root's
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

/** How many colours a screenshot has; a blank one has a single one. */
async function coloursOf(screenshot) {
  const page = await browser.newPage();
  const colours = await page.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return new Set(new Uint32Array(data.buffer)).size;
  }, `data:image/png;base64,${screenshot.toString("base64")}`);
  await page.close();
  return colours;
}

/** What can be seen of the page as it is. */
const looked = () => ({
  width: document.documentElement.scrollWidth,
  ground: getComputedStyle(document.body).backgroundColor,
  title: document.title,
  text: document.body.innerText,
  scripts: document.scripts.length,
  foreign: document.querySelectorAll(
    "img, iframe, object, embed, link, form, base, a:not([href^='#']), [style]:not([style='']), [onerror], " +
      "[onmouseover]", // Playwright leaves style="" on what has the focus
  ).length,
  figures: [...document.querySelectorAll(".big div")].map((each) => ({
    name: each.querySelector("dt").innerText,
    bottom: Math.round(each.getBoundingClientRect().bottom + scrollY),
  })),
  rows: document.querySelectorAll(".top tbody tr").length,
  /** Labels of charts that reach out of the window or into one another. */
  crowded: [...document.querySelectorAll("svg.chart")].flatMap((chart) => {
    const boxes = [...chart.querySelectorAll(".tick")]
      .filter((each) => each.checkVisibility())
      .map((each) => [each.textContent, each.getBoundingClientRect()])
      .sort(([, one], [, other]) => one.left - other.left);
    return boxes
      .filter(([, box], at) => {
        const before = at && boxes[at - 1][1];
        return box.left < 0 || box.right > innerWidth || (before && before.right + 2 > box.left);
      })
      .map(([text]) => `${chart.classList[1]}: ${text}`);
  }),
});

/** What axe-core finds wrong or cannot decide, and texts of charts, which it never decides. */
const axed = async () => {
  for (const region of document.querySelectorAll(".scroll")) {
    const zoom = Math.min(1, (0.98 * region.clientWidth) / region.scrollWidth);
    region.firstElementChild.style.zoom = zoom;
    Object.assign(region.style, { overflow: "visible", maxHeight: "none", background: "none" });
  }
  for (const head of document.querySelectorAll(".tall th")) head.style.position = "static";
  // So that nothing is hidden, or stands over another or over the shade of what is further right.
  globalThis.axe._audit.checks["color-contrast"].options.ignoreLength = true; // beside its others
  const { violations, incomplete } = await globalThis.axe.run();
  const told = ({ id, nodes }) => `${id}: ${nodes[0].html} (${nodes.length})`;
  const inCharts = ({ target }) => document.querySelector(target.at(-1)).closest("svg");
  for (const each of incomplete)
    if (each.id === "color-contrast") each.nodes = each.nodes.filter((node) => !inCharts(node));

  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const faint = [...document.querySelectorAll("svg text")].filter((each) => {
    const ink = luminance(getComputedStyle(each).fill);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05) < 4.5;
  });
  return {
    violations: violations.map(told),
    undecided: incomplete.filter(({ nodes }) => nodes.length).map(told),
    faint: faint.map((each) => each.outerHTML),
  };
};

async function look(file, name) {
  const page = await browser.newPage(VIEWS[name]);
  const messages = [];
  const requests = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("dialog", (dialog) => messages.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
  const seen = await page.evaluate(looked);
  const picture = join(directory, `${basename(file, ".html")}-${name}`);
  await page.screenshot({ path: `${picture}.png`, fullPage: true });
  const colours = await coloursOf(await page.screenshot());
  const isPrinted = PRINTED.includes(name);
  const pdf = isPrinted ? await page.pdf({ format: "A4", path: `${picture}.pdf` }) : "";
  for (const bar of await page.locator("svg g").all().then((all) => all.slice(0, 5)))
    await bar.hover({ force: true });
  const summary = page.locator("summary").first();
  if (await summary.count()) await summary.click();
  const used = name === "wide" && seen.rows ? await use(page) : {};
  const isChecked = AXED.includes(name) || (file === files[0] && name !== "bare");
  const checked = isChecked ? await page.evaluate(axe).then(() => page.evaluate(axed)) : {};
  const tenth = await onPaper(page);
  await page.close();
  return {
    ...seen,
    tenth,
    ...checked,
    ...used,
    messages,
    requests: requests.slice(1), // the page itself is the first
    colours,
    pages: isPrinted ? pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length : null,
  };
}

/** Where on paper, A4 less its margins, the tenth row of the top ends, in pixels of 96 an inch. */
async function onPaper(page) {
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 794, height: 1123 });
  return page.evaluate(() => {
    document.body.style.padding = "0 53px"; // the margins
    const row = document.querySelectorAll(".top tbody tr")[9];
    return row ? Math.round(row.getBoundingClientRect().bottom + scrollY) : null;
  });
}

/** What the table shows when it is searched, sorted and opened. */
async function use(page) {
  const column = (at) =>
    page.evaluate((number) =>
      [...document.querySelectorAll(".top tbody tr")].map((row) => row.cells[number].innerText), at);
  const heads = await page.locator(".top thead th").allInnerTexts();
  const found = {};
  for (const text of ["1", "<script>", "no such customer"]) {
    await page.getByLabel("Find a customer").fill(text);
    found[text] = { ids: await column(1), said: await page.getByRole("status").innerText() };
  }
  await page.getByLabel("Find a customer").fill("");
  const sorted = {};
  for (const at of [1, 0, 3, 3, 4]) {
    await page.locator(".top thead button").nth(at).click();
    const order = await page.locator(".top thead th").nth(at).getAttribute("aria-sort");
    sorted[`${at} ${order}`] = await column(at);
  }
  await page.locator(".top thead button").first().click();
  const more = page.locator("button.more");
  const offered = (await more.isVisible()) ? await more.innerText() : null;
  if (offered) await more.click();
  const table = page.locator(".tall");
  await table.evaluate((region) => region.scrollTo(0, 600));
  const [head, region] = await page.evaluate(() =>
    [".top thead th", ".tall"].map((each) => document.querySelector(each).getBoundingClientRect().top));
  return {
    used: { heads, found, sorted, offered, opened: await column(0), sticks: Math.round(head - region) },
    foreign: (await page.evaluate(looked)).foreign,
  };
}

const found = {};
for (const file of files)
  for (const name of Object.keys(VIEWS)) found[`${basename(file, ".html")} ${name}`] = await look(file, name);
await browser.close();
console.log(JSON.stringify(found));
