// Opens pages in a browser and says, as JSON, what was seen: node look.mjs CHROMIUM FILE...

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [executablePath, ...files] = process.argv.slice(2);

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

async function look(file, width, colorScheme) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const messages = [];
  const requests = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("dialog", (dialog) => messages.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
  for (const text of await page.locator("svg g, td[title]").all().then((all) => all.slice(0, 5)))
    await text.hover({ force: true });
  await page.locator("summary").first().click();
  const seen = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    ground: getComputedStyle(document.body).backgroundColor,
    title: document.title,
    text: document.body.innerText,
    foreign: document.querySelectorAll(
      "script, img, iframe, object, embed, link, form, a, base, [style], [onerror], [onmouseover]",
    ).length,
  }));
  const colours = await coloursOf(await page.screenshot());
  const pdf = (await page.pdf({ format: "A4" })).toString("latin1");
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  await page.close();
  return {
    ...seen,
    messages,
    requests: requests.slice(1), // the page itself is the first
    colours,
    pages: pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0,
    violations: violations.map(({ id, nodes }) => `${id}: ${nodes[0].html} (${nodes.length})`),
  };
}

const found = {};
for (const file of files)
  for (const [name, ...arguments_] of [
    ["narrow", 400, "light"],
    ["wide", 1280, "light"],
    ["dark", 1280, "dark"],
  ])
    found[`${file} ${name}`] = await look(file, ...arguments_);
await browser.close();
console.log(JSON.stringify(found));
