"""A local server: a page for each recording of a folder, heard in turn and corrected by ear.

Imported by the command line alone. :mod:`~beatmeter.serve.app` has the routes,
:mod:`~beatmeter.serve.catalogue` the recordings, :mod:`~beatmeter.serve.jobs` the queue of what is
to be analysed, :mod:`~beatmeter.serve.uploads` what is dropped on the page, and
:mod:`~beatmeter.serve.security` who may ask. The corrections themselves are labels, kept by
:mod:`beatmeter.datasets.corrections`.
"""
