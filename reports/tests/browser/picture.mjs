// Photographs the first failed run of a page of squall, around its evidence.
//
//     node picture.mjs PAGE PICTURE
import { chromium } from 'playwright-core';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [page_, picture] = process.argv.slice(2);
if (!picture) throw new Error('usage: node picture.mjs PAGE PICTURE');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'] });
const page = await browser.newPage({ viewport: { width: 1100, height: 1000 }, colorScheme: 'light' });
await page.goto(pathToFileURL(resolve(page_)).href);
const run = page.locator('details.run:has(.v.failed):has(figure.diagram)').first();
await run.evaluate(element => { element.open = true; });
const figure = run.locator('figure.diagram');
await figure.scrollIntoViewIfNeeded();
await figure.locator('svg.plot .lane').first().waitFor({ state: 'attached' });
// Near its beginning, where the evidence is: Ctrl and the wheel zoom around the pointer.
const plot = figure.locator('svg.plot');
await plot.evaluate(element => element.scrollIntoView({ block: 'center' }));
const { x, y, height } = await plot.boundingBox();
await page.mouse.move(x + 144, y + height / 2);
await page.keyboard.down('Control');
for (let times = 0; times < 4; times++) {
  await page.mouse.wheel(0, -300);
  await page.waitForTimeout(200);
}
await page.keyboard.up('Control');
await page.mouse.move(0, 0);
const box = await run.boundingBox();
const top = box.y + await page.evaluate(() => scrollY);
await page.screenshot({ path: picture, clip: { x: box.x, y: top, width: box.width, height: Math.min(box.height, 560) }, fullPage: true });
await browser.close();
