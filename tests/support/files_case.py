# SPDX-License-Identifier: GPL-3.0-or-later
"""Test cases that speak with the file API of one running appliance, by its own document."""

from support import audit
from support.case import ApplianceCase
from support.files_client import FilesClient


class FilesCase(ApplianceCase):
    callers = ("dev", "other")

    def setUp(self):
        super().setUp()
        self.files = self.files_of(self.client.chat)

    def files_of(self, chat, token=None):
        made = FilesClient(self.appliance, chat=chat, token=token)
        made.document = made.ask("GET", "/openapi.json", bearer=None).json()
        return made

    def events(self, name):
        return [each for each in audit.events(self.appliance) if each["unmapped"]["action"] == name]
