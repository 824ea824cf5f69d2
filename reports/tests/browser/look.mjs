// Looks at a page of squall in Chromium, at three widths, light and dark: nothing may complain, overflow
// or stay blank, and the diagram of a failed run must show what it is for. Leaves pictures.
//
//     node look.mjs PAGE FOLDER
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [page_, folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node look.mjs PAGE FOLDER');
const address = pathToFileURL(resolve(page_)).href;
mkdirSync(folder, { recursive: true });

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars',
];
const profile = mkdtempSync(join(tmpdir(), 'squall-look-'));
const context = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', headless: true, args: flags });

/** The share of the commonest colour of a picture, and how many colours it has. */
async function colours(png) {
  const page = await context.newPage();
  const found = await page.evaluate(async data => {
    const image = await createImageBitmap(await (await fetch(data)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const drawing = canvas.getContext('2d');
    drawing.drawImage(image, 0, 0);
    const { data: pixels } = drawing.getImageData(0, 0, image.width, image.height);
    const counts = new Map();
    for (let at = 0; at < pixels.length; at += 4) {
      const colour = pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return { most: Math.max(...counts.values()) / (pixels.length / 4), kinds: counts.size };
  }, 'data:image/png;base64,' + png.toString('base64'));
  await page.close();
  return found;
}

/** Boxes of everything that a selector finds, as far as they are in the window. */
const boxes = (figure, selector) => figure.locator(selector).evaluateAll(all => all
  .map(element => element.getBoundingClientRect())
  .filter(box => box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight)
  .length);

async function look(width, scheme) {
  const name = `${width}-${scheme}`;
  const page = await context.newPage();
  const complaints = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('request', request => { if (request.url() !== address) complaints.push('loads ' + request.url()); });
  page.on('dialog', dialog => { complaints.push('opens a dialog'); dialog.dismiss(); });
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(address);

  const fits = async when => {
    const { scroll, inner } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, inner: innerWidth }));
    assert.ok(scroll <= inner, `${name}: ${when}, the page is ${scroll} px wide`);
  };
  const picture = async (what, target, options) => {
    const png = await target.screenshot({ path: join(folder, `${name}-${what}.png`), ...options });
    const { most, kinds } = await colours(png);
    assert.ok(most < 0.97 && kinds > 16, `${name}: ${what} is nearly blank: ${kinds} colours, one of them has ${(most * 100).toFixed(1)} %`);
  };
  await fits('at first');
  await picture('top', page);
  if (width === 1280) {
    for (const text of ['Scenarios']) assert.ok(await page.getByRole('heading', { name: text }).count(), `${name}: no heading ${text}`);
  }

  // Everything open is the widest that it gets.
  await page.evaluate(() => document.querySelectorAll('details.passing, details.run').forEach(details => { details.open = true; }));
  await fits('opened');
  const failed = page.locator('details.run:has(.v.failed):has(figure.diagram)').first();
  const figure = failed.locator('figure.diagram');
  if (await figure.count()) await diagram(name, page, failed, figure, picture);
  // All of them are drawn once they come into sight.
  const figures = page.locator('figure.diagram');
  for (let at = 0; at < Math.min(await figures.count(), 8); at++) {
    await figures.nth(at).scrollIntoViewIfNeeded();
    await figures.nth(at).locator('svg.plot .lane').first().waitFor({ state: 'attached' });
  }
  await fits('with its diagrams');
  assert.deepEqual(complaints, [], name);
  await page.close();
}

async function diagram(name, page, failed, figure, picture) {
  await figure.scrollIntoViewIfNeeded();
  const plot = figure.locator('svg.plot');
  await plot.waitFor();
  await plot.evaluate(element => element.scrollIntoView({ block: 'center' }));
  for (const [what, selector] of [['lane', '.lane'], ['arrow', '.msg path:not(.hit)'], ['band', '.band'], ['evidence', '.proof .halo']]) {
    assert.ok(await boxes(figure, 'svg.plot ' + selector) > 0, `${name}: no ${what} in sight`);
  }
  assert.ok(await failed.locator('.violation li').count() > 0, `${name}: no evidence beside the diagram`);
  await picture('diagram', failed);

  const tooltip = figure.locator('.tooltip');
  const proof = figure.locator('.mark.proof').first();
  await proof.hover();
  assert.ok(await tooltip.isVisible(), `${name}: no tooltip`);
  assert.match(await tooltip.innerText(), /\d s .+evidence/, name);
  await picture('tooltip', plot);

  // With the keyboard: to another record, in words, then nearer.
  await proof.focus();
  const words = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  const before = await words();
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await words(), before, `${name}: an arrow goes nowhere`);
  assert.ok(await tooltip.isVisible(), `${name}: no tooltip with the keyboard`);
  const shows = () => figure.locator('.status').first().innerText();
  const all = await shows();
  await page.keyboard.press('+');
  assert.notEqual(await shows(), all, `${name}: + does not zoom`);
  await page.keyboard.press('0');
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -300);
  await page.waitForFunction(([element, text]) => element.textContent !== text, [await figure.locator('.status').first().elementHandle(), all]);
  await page.keyboard.press('0');

  const drawn = () => plot.locator('.item').count();
  const unfiltered = await drawn();
  for (const filter of ['event', 'node']) {
    const select = figure.locator(`select[data-filter=${filter}]`);
    if (!await select.count()) continue;
    await select.selectOption({ index: 1 });
    assert.ok(await drawn() < unfiltered, `${name}: the filter by ${filter} hides nothing`);
    await select.selectOption('');
  }
  assert.equal(await drawn(), unfiltered, `${name}: the filter does not let go`);
}

try {
  for (const scheme of ['light', 'dark']) {
    for (const width of [360, 768, 1280]) await look(width, scheme);
  }
  console.log(`looked at ${page_} at 360, 768 and 1280 px, light and dark: ${folder}`);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
