from tracemart.cli import main

main()
