// Photographs the first failed run of a page of squall, as it opens.
//
//     node picture.mjs PAGE PICTURE
import { chromium } from 'playwright-core';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [page_, picture] = process.argv.slice(2);
if (!picture) throw new Error('usage: node picture.mjs PAGE PICTURE');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'] });
const page = await browser.newPage({ viewport: { width: 1180, height: 1100 }, colorScheme: 'light' });
await page.goto(pathToFileURL(resolve(page_)).href);
const group = page.locator('details.group[open]').first();
await group.locator('svg.plot .lane').first().waitFor({ state: 'attached' });
const box = await group.boundingBox();
const plot = await group.locator('svg.plot').boundingBox();
const height = plot.y + plot.height + 3 - box.y;
await page.screenshot({ path: picture, clip: { x: box.x, y: box.y, width: box.width, height }, fullPage: true });
await browser.close();
