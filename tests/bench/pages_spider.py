# SPDX-License-Identifier: MIT
"""Scrapy as a user would set it up for an API: get COUNT pages from URL, CONNECTIONS at once, each an item.

Run as `python3 pages_spider.py URL COUNT CONNECTIONS`; prints how many items, and in how many seconds from the start of the
spider to its end.
"""

import sys
import time

import scrapy
from scrapy.crawler import CrawlerProcess


class Pages(scrapy.Spider):
    name = "pages"

    async def start(self):
        self.began = time.monotonic()
        for number in range(self.count):
            yield scrapy.Request(f"{self.url}{number}", dont_filter=True)

    def parse(self, response):
        yield {"url": response.url, "status": response.status, "body": response.body}

    def closed(self, reason):
        items = self.crawler.stats.get_value("item_scraped_count", 0)
        print(items, f"{time.monotonic() - self.began:.3f}")


def main(url, count, connections):
    process = CrawlerProcess({
        "CONCURRENT_REQUESTS": int(connections), "CONCURRENT_REQUESTS_PER_DOMAIN": int(connections), "DOWNLOAD_DELAY": 0,
        "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False, "COOKIES_ENABLED": False})
    process.crawl(Pages, url=url, count=int(count))
    process.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
