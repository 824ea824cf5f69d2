// Looks at a page of squall in Chromium, at three widths, light, dark and without scripts: nothing may complain, overflow,
// stay blank or be endlessly long, and the story of a failed run must show what it is for. Leaves pictures.
//
//     node look.mjs PAGE FOLDER [NAME]
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [page_, folder, called = ''] = process.argv.slice(2);
if (!folder) throw new Error('usage: node look.mjs PAGE FOLDER [NAME]');
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
  const name = `${called}${width}-${scheme}`;
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
  const { height, elements } = await page.evaluate(() => ({ height: document.documentElement.scrollHeight, elements: document.querySelectorAll('*').length }));
  const most = width < 600 ? 24000 : width < 1060 ? 16000 : 9000;
  assert.ok(height < most, `${name}: the page is ${height} px tall`);
  assert.ok(elements < 40000, `${name}: ${elements} elements`);
  await picture('top', page);
  await picture('whole', page, { fullPage: true });
  const stories = page.locator('details.run:has(figure.diagram)');
  if (await page.locator('form.find').count() && await stories.count()) {
    assert.ok(await page.getByRole('heading', { name: 'What broke' }).count(), `${name}: it does not begin with what broke`);
    await filters(name, page);
  }

  // Everything open is the widest that it gets.
  await page.evaluate(() => [...document.querySelectorAll('details')].slice(0, 200).forEach(details => { details.open = true; }));
  await fits('opened');
  const failed = page.locator('details.run[data-v=failed]:has(figure.diagram)').first();
  const figure = failed.locator('figure.diagram');
  if (await figure.count()) await diagram(name, page, failed, figure, picture);
  // All of them are drawn once they come into sight.
  const drawn = page.locator('details.run[open] .story[data-run]');
  for (let at = 0; at < Math.min(await drawn.count(), 8); at++) {
    await drawn.nth(at).scrollIntoViewIfNeeded();
    await drawn.nth(at).locator('svg.plot .lane').first().waitFor({ state: 'attached' });
  }
  await fits('with its diagrams');
  assert.deepEqual(complaints, [], name);
  await page.close();
}

/** What is looked for is found, and the rest is hidden. */
async function filters(name, page) {
  const runs = () => page.locator('details.run:not([hidden])').count();
  const all = await runs();
  await page.getByRole('searchbox').fill('no such words anywhere');
  assert.equal(await runs(), 0, `${name}: the search hides nothing`);
  assert.equal(await page.locator('.group:visible').count(), 0, `${name}: groups without runs stay`);
  const form = page.locator('form.find');
  await form.getByRole('button').click();
  await page.waitForFunction(all => document.querySelectorAll('details.run:not([hidden])').length === all, all);
  // By verdict all of them may be alike.
  for (const select of await form.locator('select:visible:not([data-by=v])').all()) {
    await select.selectOption({ index: 1 });
    const some = await runs();
    assert.ok(some > 0 && some < all || all === 1 || (await select.locator('option').count()) < 3, `${name}: a filter shows ${some} of ${all} runs`);
    await select.selectOption('');
  }
  assert.equal(await runs(), all, `${name}: the filters do not let go`);
}

async function diagram(name, page, failed, figure, picture) {
  await figure.scrollIntoViewIfNeeded();
  const plot = figure.locator('svg.plot');
  await plot.waitFor();
  await plot.evaluate(element => element.scrollIntoView({ block: 'center' }));
  for (const [what, selector] of [['lane', '.lane'], ['arrow', '.msg path:not(.hit)'], ['band', '.band'], ['evidence', '.proof .halo'], ['label', '.what']]) {
    assert.ok(await boxes(figure, 'svg.plot ' + selector) > 0, `${name}: no ${what} in sight`);
  }
  await figure.locator('svg.strip').scrollIntoViewIfNeeded();
  for (const [what, selector] of [['curve', '.curve'], ['band', '.band'], ['window', '.window']]) {
    assert.ok(await boxes(figure, 'svg.strip ' + selector) > 0, `${name}: no ${what} in the strip`);
  }
  assert.ok(await failed.locator('.steps .proof').count() > 0, `${name}: no evidence among the steps`);
  await picture('story', failed);
  await steps(name, page, failed, figure);
  await plot.evaluate(element => element.scrollIntoView({ block: 'center' }));

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
  const about = figure.locator('select[data-filter=event]');
  const narrow = await drawn();
  await about.selectOption('');
  const unfiltered = await drawn();
  assert.ok(narrow < unfiltered, `${name}: the story does not open on its event`);
  for (const filter of ['node']) {
    const select = figure.locator(`select[data-filter=${filter}]`);
    if (!await select.count()) continue;
    await select.selectOption({ index: 1 });
    assert.ok(await drawn() < unfiltered, `${name}: the filter by ${filter} hides nothing`);
    await select.selectOption('');
  }
  assert.equal(await drawn(), unfiltered, `${name}: the filter does not let go`);
}

/** j and k go from step to step; each narrows what is shown, and the strip says where it is. */
async function steps(name, page, failed, figure) {
  const shows = () => figure.locator('.status').first().innerText();
  const before = await shows();
  await failed.locator('.steps li').first().focus();
  await page.keyboard.press('j');
  assert.equal(await failed.locator('.steps li.on').count(), 1, `${name}: j chooses no step`);
  const first = await shows();
  assert.notEqual(first, before, `${name}: a step narrows nothing`);
  assert.ok(await figure.locator('svg.plot .moment').count(), `${name}: the moment is not marked`);
  assert.ok(await figure.locator('.listed li').count() > 0, `${name}: nothing is listed of a step`);
  await page.keyboard.press('j');
  const second = await shows();
  await page.keyboard.press('k');
  assert.equal(await shows(), first, `${name}: k does not go back`);
  assert.notEqual(second, first, `${name}: j stays`);
  await page.keyboard.press('Escape');
  assert.equal(await failed.locator('.steps li.on').count(), 0, `${name}: Escape does not let go`);
  assert.equal(await shows(), before, `${name}: Escape does not go back`);
  await figure.locator('svg.strip').evaluate(element => element.scrollIntoView({ block: 'center' }));
  const strip = await figure.locator('svg.strip').boundingBox();
  await page.mouse.move(strip.x + strip.width * 0.5, strip.y + strip.height / 2);
  await page.mouse.down();
  await page.mouse.move(strip.x + strip.width * 0.7, strip.y + strip.height / 2, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(([element, text]) => element.textContent !== text, [await figure.locator('.status').first().elementHandle(), before]);
  await figure.getByRole('button', { name: 'Show what the cause is about' }).click();
}

/** Without scripts nothing is lost but the drawing: the records are there as a list. */
async function plain(width) {
  const name = `${called}${width}-plain`;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: flags });
  const page = await (await browser.newContext({ javaScriptEnabled: false, viewport: { width, height: 900 } })).newPage();
  await page.goto(address);
  await page.screenshot({ path: join(folder, `${name}-whole.png`), fullPage: true });
  const main = await page.locator('main').boundingBox();
  assert.ok(main.width <= width, `${name}: it is ${main.width} px wide`);
  const run = page.locator('details.run[open]').first();
  if (await run.count() && await page.locator('#broke').count()) {
    assert.ok(await run.locator('.steps li').first().isVisible(), `${name}: no step of a failure is to be seen`);
    assert.ok(await page.locator('noscript .note').first().isVisible(), `${name}: nobody says that there is no script`);
    assert.ok(await run.locator('noscript .fold li').count() > 10, `${name}: no list of records`);
  }
  await browser.close();
}

try {
  for (const scheme of ['light', 'dark']) {
    for (const width of [390, 800, 1280]) await look(width, scheme);
  }
  for (const width of [390, 1280]) await plain(width);
  console.log(`looked at ${page_} at 390, 800 and 1280 px, light, dark and without scripts: ${folder}`);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
